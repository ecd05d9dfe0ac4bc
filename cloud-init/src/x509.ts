/** Loads the X.509 library when it is first needed: it takes a fifth of a second, and `--help` should not. */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  // tsyringe, which @peculiar/x509 stands on, needs the metadata before anything else is loaded.
  await import('reflect-metadata')
  return import('@peculiar/x509')
}
