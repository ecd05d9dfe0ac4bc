import { loadAll } from 'js-yaml'
import { isTree, type Tree, textAt } from '../tree.ts'

/** The Kubernetes objects in a YAML text; documents without kind are none. @throws Error naming the file */
export function manifests(file: string, text: string): Tree[] {
  try {
    const documents = loadAll(text).filter(isTree)
    return documents.filter((one) => textAt(one, 'kind') && textAt(one, 'apiVersion'))
  } catch (error) {
    throw new Error(`Failed to unmarshal "${file}": ${(error as Error).message.split('\n')[0]}`)
  }
}
