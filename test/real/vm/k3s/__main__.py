#!/usr/bin/env python3
"""Stands in for k3s on a virtual machine, and says so: the real k3s is no Go module and may be out of reach.

It takes k3s' configuration files, authorities, token and environment, refuses options that k3s does not have, and
starts the real etcd, kube-apiserver, kube-controller-manager and kube-scheduler. No container runs: kwok plays the
kubelets, so pods count as running; the real kubelet lies beside them, but only a test starts it, for itself. Instead
of SQLite it keeps a second etcd folder beside a file named state.db.
"""
import os
import sys

DATA = "/var/lib/rancher/k3s"
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
TOOLS = "/run/k3s-standin"
ANSWERS = "/run/k3s-standin-answers"  # as long as the server has not written it, nobody need ask

# Called again and again while the server starts, so it comes before everything that takes an emulated machine long.
if sys.argv[1:2] == ["kubectl"]:
    there = os.path.exists(f"{TOOLS}/kubectl") and ("--kubeconfig" in sys.argv or os.path.exists(ANSWERS))
    if not there:
        sys.exit("The connection to the server 127.0.0.1:6443 was refused: the stand-in for k3s is still starting")
    os.environ.setdefault("KUBECONFIG", KUBECONFIG)
    os.execv(f"{TOOLS}/kubectl", ["kubectl", *sys.argv[2:]])

import ctypes
import glob
import hashlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import time

import yaml

# https://docs.k3s.io/cli/server and https://docs.k3s.io/cli/agent
SHARED = """node-name node-label node-taint node-ip node-external-ip flannel-iface token server kubelet-arg
kube-proxy-arg data-dir debug private-registry resolv-conf protect-kernel-defaults selinux snapshotter pause-image"""
SERVERS = """agent-token write-kubeconfig-mode cluster-cidr service-cidr cluster-dns cluster-domain flannel-backend
secrets-encryption secrets-encryption-provider disable-helm-controller disable-cloud-controller disable-network-policy
disable-kube-proxy disable tls-san tls-san-security cluster-init cluster-reset advertise-address advertise-port
bind-address https-listen-port datastore-endpoint etcd-snapshot-schedule-cron etcd-snapshot-retention
etcd-disable-snapshots kube-apiserver-arg kube-controller-manager-arg kube-scheduler-arg etcd-arg embedded-registry
egress-selector-mode servicelb-namespace"""

# What nodes, claims and workloads need; each more is work for an emulated machine.
CONTROLLERS = """node-ipam-controller node-lifecycle-controller namespace-controller serviceaccount-controller
serviceaccount-token-controller root-ca-certificate-publisher-controller clusterrole-aggregation-controller
deployment-controller replicaset-controller statefulset-controller daemonset-controller job-controller
endpointslice-controller garbage-collector-controller taint-eviction-controller disruption-controller
persistentvolume-binder-controller"""

TLS = f"{DATA}/server/tls"
MADE = f"{DATA}/server/tls/standin"


def say(text):
    print(f"k3s STAND-IN: {text}", flush=True)


def fatal(text):
    print(f'level=fatal msg="{text}"', file=sys.stderr, flush=True)
    sys.exit(1)


def configuration(role):
    """config.yaml, then config.yaml.d in the order of names: the last word counts."""
    config = {}
    for file in ["/etc/rancher/k3s/config.yaml", *sorted(glob.glob("/etc/rancher/k3s/config.yaml.d/*.yaml"))]:
        if os.path.exists(file):
            with open(file) as text:
                config.update(yaml.safe_load(text) or {})
    known = SHARED.split() + (SERVERS.split() if role == "server" else [])
    for option in config:
        if option not in known:
            fatal(f"flag provided but not defined: -{option}")
    return config


def programs():
    """The true k3s has them in itself; these lie on a disk of their own, because to unpack them takes an emulated machine long."""
    if not os.path.exists(f"{TOOLS}/kubectl"):
        os.makedirs(TOOLS, exist_ok=True)
        disk = "/dev/disk/by-id/virtio-programs"
        done = subprocess.run(["mount", "-o", "ro", disk, TOOLS], capture_output=True, text=True)
        if done.returncode:
            fatal(f"the programs of Kubernetes cannot be mounted: {done.stderr.strip()}")
    return TOOLS


def dies_with_us():
    ctypes.CDLL("libc.so.6").prctl(1, signal.SIGKILL)


CHILDREN = []


def start(words):
    say(f"starts {os.path.basename(words[0])} at {time.monotonic():.0f} s")
    child = subprocess.Popen(words, preexec_fn=dies_with_us)
    CHILDREN.append(child)
    return child


def openssl(*words, text=None):
    done = subprocess.run(["openssl", *words], input=text, capture_output=True)
    if done.returncode:
        fatal(f"openssl {words[0]}: {done.stderr.decode()[-300:]}")
    return done.stdout


def certificate(name, ca, subject, usage, names=""):
    key, crt = f"{MADE}/{name}.key", f"{MADE}/{name}.crt"
    ext = f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else "")
    with open(f"{MADE}/{name}.ext", "w") as file:
        file.write(ext)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    request = openssl("req", "-new", "-key", key, "-subj", subject)
    openssl("x509", "-req", "-CA", f"{TLS}/{ca}.crt", "-CAkey", f"{TLS}/{ca}.key", "-CAcreateserial", "-days", "365",
            "-extfile", f"{MADE}/{name}.ext", "-out", crt, text=request)
    return crt, key


def kubeconfig(file, server, ca, **user):
    body = {
        "apiVersion": "v1", "kind": "Config", "current-context": "default",
        "clusters": [{"name": "default", "cluster": {"server": server, "certificate-authority": ca}}],
        "users": [{"name": "default", "user": user}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
    }
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        yaml.safe_dump(body, out)


def datastore(config):
    """The folder of etcd. A single server without cluster-init plays SQLite; with it, a database there is taken over."""
    db = f"{DATA}/server/db"
    etcd = bool(config.get("cluster-init")) or os.path.exists(f"{db}/etcd")
    if etcd and os.path.exists(f"{db}/state.db"):
        say("takes the database over into etcd")
        os.rename(f"{db}/sqlite-standin", f"{db}/etcd")
        os.rename(f"{db}/state.db", f"{db}/state.db.migrated")
    folder = f"{db}/etcd" if etcd else f"{db}/sqlite-standin"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if not etcd:
        open(f"{db}/state.db", "a").close()
    return folder, etcd


def check_token(token):
    """A server's token is taken at the first start and has to be the same ever after."""
    file = f"{DATA}/server/token-digest"
    digest = hashlib.sha256(token.split("::")[-1].split(":")[-1].encode()).hexdigest()
    if os.path.exists(file):
        if open(file).read() != digest:
            fatal("starting kubernetes: bootstrap data already found and encrypted with different token")
    else:
        with open(file, "w") as out:
            out.write(digest)


def ready(address="127.0.0.1"):
    context = ssl.create_default_context(cafile=f"{TLS}/server-ca.crt")
    context.load_cert_chain(f"{MADE}/admin.crt", f"{MADE}/admin.key")
    try:
        connection = http.client.HTTPSConnection(address, 6443, timeout=5, context=context)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def notify():
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
            out.send(b"READY=1")


def register(tools, config, file, role, etcd=False):
    labels = dict(one.split("=", 1) for one in config.get("node-label", []))
    if role == "server":
        labels["node-role.kubernetes.io/control-plane"] = "true"
        if etcd:
            labels["node-role.kubernetes.io/etcd"] = "true"
    name = config["node-name"]
    addresses = [{"type": "InternalIP", "address": config["node-ip"]}, {"type": "Hostname", "address": name}]
    if config.get("node-external-ip"):
        addresses.append({"type": "ExternalIP", "address": config["node-external-ip"]})
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
            "status": {"addresses": addresses}}
    words = [f"{tools}/kubectl", "--kubeconfig", file, "apply", "--server-side", "--force-conflicts",
             "--field-manager", "k3s-standin", "-f", "-"]
    for extra in [[], ["--subresource", "status"]]:
        while subprocess.run([*words, *extra], input=json.dumps(node).encode()).returncode:
            time.sleep(2)


def server(config):
    if os.path.exists(ANSWERS):
        os.remove(ANSWERS)
    check_token(config["token"])
    if not os.path.exists(f"{TLS}/server-ca.crt"):
        fatal("this stand-in makes no authorities of its own; k3s would")
    os.makedirs(MADE, mode=0o700, exist_ok=True)
    tools = programs()
    names = ["DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc", "DNS:localhost",
             "DNS:" + config["node-name"], "IP:127.0.0.1", "IP:10.43.0.1", "IP:" + config["node-ip"]]
    for one in config.get("tls-san", []):
        names.append(("IP:" if one.replace(".", "").isdigit() else "DNS:") + one)
    serving, serving_key = certificate("serving", "server-ca", "/CN=k3s", "serverAuth", ",".join(names))
    with open(serving, "a") as chain:
        chain.write(open(f"{TLS}/server-ca.crt").read())
    admin, admin_key = certificate("admin", "client-ca", "/O=system:masters/CN=system:admin", "clientAuth")
    kubeconfig(KUBECONFIG, "https://127.0.0.1:6443", f"{TLS}/server-ca.crt",
               **{"client-certificate": admin, "client-key": admin_key})
    os.chmod(KUBECONFIG, int(str(config.get("write-kubeconfig-mode", "0600")), 8))
    with os.fdopen(os.open(f"{MADE}/tokens.csv", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f'{config["agent-token"]},agents,agents,"system:masters"\n')
    folder, etcd = datastore(config)
    start([f"{tools}/etcd", "--data-dir", folder, "--log-level", "error", "--listen-client-urls",
           "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
           "--listen-peer-urls", "http://127.0.0.1:2380"])
    start([f"{tools}/kube-apiserver", "--etcd-servers=http://127.0.0.1:2379", "--secure-port=6443",
           f"--advertise-address={config.get('advertise-address', config['node-ip'])}",
           f"--service-cluster-ip-range={config.get('service-cidr', '10.43.0.0/16')}",
           f"--client-ca-file={TLS}/client-ca.crt", f"--tls-cert-file={serving}",
           f"--tls-private-key-file={serving_key}", f"--service-account-key-file={TLS}/service.key",
           f"--service-account-signing-key-file={TLS}/service.key",
           "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
           f"--token-auth-file={MADE}/tokens.csv", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
           "--profiling=false", *[f"--{one}" for one in config.get("kube-apiserver-arg", [])]])
    while not ready():
        if any(child.poll() is not None for child in CHILDREN):
            fatal("starting kubernetes: a program of the control plane ended")
        time.sleep(1)
    open(ANSWERS, "w").close()
    start([f"{tools}/kube-controller-manager", "--kubeconfig", KUBECONFIG, "--leader-elect=false",
           f"--service-account-private-key-file={TLS}/service.key", f"--root-ca-file={TLS}/server-ca.crt",
           "--allocate-node-cidrs=true", f"--cluster-cidr={config.get('cluster-cidr', '10.42.0.0/16')}",
           "--use-service-account-credentials=false", "--profiling=false",
           *[f"--{one}" for one in config.get("kube-controller-manager-arg", [])],
           "--controllers=" + ",".join(CONTROLLERS.split())])
    start([f"{tools}/kube-scheduler", "--kubeconfig", KUBECONFIG, "--leader-elect=false"])
    register(tools, config, KUBECONFIG, "server", etcd)
    start([f"{tools}/kwok", "--kubeconfig", KUBECONFIG, "--manage-all-nodes=true", "--config", f"{tools}/stages.yaml",
           "--server-address", "127.0.0.1:10247"])
    say("is up" + (" on etcd" if etcd else ", in place of SQLite"))
    notify()
    watch()


def agent(config):
    """Checks the server by the hash in the token, shows it the token's password, and becomes a node."""
    hashed, _, password = config["token"].removeprefix("K10").partition("::node:")
    address = config["server"].removeprefix("https://").rsplit(":", 1)[0]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    while True:
        try:
            with socket.create_connection((address, 6443), 5) as raw, context.wrap_socket(raw) as tls:
                chain = tls.get_unverified_chain()
            break
        except OSError as error:
            say(f"Waiting to retrieve agent configuration; {error}")
            time.sleep(2)
    ca = ssl.DER_cert_to_PEM_cert(chain[-1])
    if password and hashlib.sha256(ca.encode()).hexdigest() != hashed:
        fatal("token CA hash does not match the Cluster CA certificate hash")
    tools = programs()
    file = f"{DATA}/agent/kubelet.kubeconfig"
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(f"{DATA}/agent/server-ca.crt", "w") as out:
        out.write(ca)
    kubeconfig(file, config["server"], f"{DATA}/agent/server-ca.crt", token=password or config["token"])
    register(tools, config, file, "agent")
    say("joined " + config["server"])
    while True:
        time.sleep(3600)


def watch():
    while True:
        for child in CHILDREN:
            if child.poll() is not None:
                fatal(f"{os.path.basename(child.args[0])} ended with {child.returncode}")
        time.sleep(1)


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command in ("server", "agent"):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        say("this is not k3s, but a stand-in that starts the real Kubernetes programs; no container runs")
        config = configuration(command)
        server(config) if command == "server" else agent(config)
    else:
        fatal(f"No help topic for '{command}'")


main()
