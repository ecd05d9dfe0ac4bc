import { aligned } from './aligned.ts'
import { Failed } from './call.ts'
import type { Json } from './doctl-api.ts'

// One column each: doctl's header = path in the API's JSON; --format names headers without their blanks.
const columns: Record<string, string> = {
  account:
    'User Email=email|Team=team.name|Droplet Limit=droplet_limit|Email Verified=email_verified|User UUID=uuid|Status=status',
  action:
    'ID=id|Status=status|Type=type|Started At=started_at|Completed At=completed_at|Resource ID=resource_id|Resource Type=resource_type|Region=region_slug',
  droplet:
    'ID=id|Name=name|Public IPv4=networks.v4.public|Private IPv4=networks.v4.private|Public IPv6=networks.v6.public|Memory=memory|VCPUs=vcpus|Disk=disk|Region=region.slug|Image=image.name|VPC UUID=vpc_uuid|Status=status|Tags=tags|Features=features|Volumes=volume_ids',
  firewall: 'ID=id|Name=name|Status=status|Created At=created_at|Droplet IDs=droplet_ids|Tags=tags',
  image:
    'ID=id|Name=name|Type=type|Distribution=distribution|Slug=slug|Public=public|Min Disk=min_disk_size|Created=created_at',
  key: 'Name=name|Access Key=access_key|Secret Key=secret_key|Created At=created_at',
  load_balancer:
    'ID=id|IP=ip|Name=name|Status=status|Created At=created_at|Region=region.slug|Size Unit=size_unit|VPC UUID=vpc_uuid|Tag=tag|Droplet IDs=droplet_ids',
  project:
    'ID=id|Owner UUID=owner_uuid|Owner ID=owner_id|Name=name|Description=description|Purpose=purpose|Environment=environment|Is Default?=is_default|Created At=created_at|Updated At=updated_at',
  region: 'Slug=slug|Name=name|Available=available',
  reserved_ip:
    'IP=ip|Region=region.slug|Droplet ID=droplet.id|Droplet Name=droplet.name|Project ID=project_id',
  resources: 'URN=urn|Assigned At=assigned_at|Status=status',
  size: 'Slug=slug|Description=description|Memory=memory|VCPUs=vcpus|Disk=disk|Price Monthly=price_monthly|Price Hourly=price_hourly',
  snapshot:
    'ID=id|Name=name|Created at=created_at|Regions=regions|Resource ID=resource_id|Resource Type=resource_type|Min Disk Size=min_disk_size|Size=size_gigabytes|Tags=tags',
  ssh_key: 'ID=id|Name=name|FingerPrint=fingerprint',
  tag: 'Name=name|Droplet Count=resources.droplets.count',
  volume:
    'ID=id|Name=name|Size=size_gigabytes|Region=region.slug|Filesystem Type=filesystem_type|Filesystem Label=filesystem_label|Droplet IDs=droplet_ids|Tags=tags',
  vpc: 'ID=id|URN=urn|Name=name|Description=description|IP Range=ip_range|Region=region|Created At=created_at|Default=default',
}

/** Prints things in doctl's columns, four blanks apart. @param format the wanted columns, in order; all when empty */
export function table(kind: string, things: Json[], format: string[], header: boolean): string {
  const known = (columns[kind] ?? '').split('|').map((column) => column.split('=') as [string, string])
  const chosen = format.map((name) => {
    const found = known.find(([title]) => title.replaceAll(' ', '') === name)
    if (!found) throw new Failed(`unknown column "${name}"`)
    return found
  })
  const shown = chosen.length > 0 ? chosen : known
  const rows = things.map((thing) => shown.map(([, path]) => cell(thing, path)))
  return aligned(header ? [shown.map(([title]) => title), ...rows] : rows, 4)
}

function cell(thing: Json, path: string): string {
  const networks = path.match(/^networks\.(v[46])\.(public|private)$/)
  if (networks) {
    const all = (thing.networks as Record<string, Json[]> | undefined)?.[networks[1] ?? ''] ?? []
    return String(all.find((one) => one.type === networks[2])?.ip_address ?? '')
  }
  const value = path.split('.').reduce<unknown>((at, key) => (at as Json | undefined | null)?.[key], thing)
  return Array.isArray(value) ? value.join(',') : String(value ?? '')
}
