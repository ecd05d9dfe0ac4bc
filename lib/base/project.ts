import { fileURLToPath } from 'node:url'

/** This project's folder, with a slash behind it. */
export const projectFolder: string = fileURLToPath(new URL('../../', import.meta.url))
