import { hostname } from 'node:os';

/** What the machine gives where the file is silent. */
export interface Surroundings {
  hostname: string;
  /** Of CSI_ENDPOINT. */
  csiEndpoint: string | undefined;
}

export const surroundings = (): Surroundings => ({ hostname: hostname(), csiEndpoint: process.env.CSI_ENDPOINT });

/** What the command line says of the node, such as what Kubernetes knows of it. Empty text is as good as absent. */
export interface NodeOverrides {
  name?: string | undefined;
  zone?: string | undefined;
  region?: string | undefined;
  address?: string | undefined;
}

/**
 * Adds what depends on the machine to the file's content, and puts what the command line says in its place. Anything that
 * is not as expected is left for the schema.
 */
export function withDefaults(content: unknown, machine: Surroundings, overrides: NodeOverrides = {}): unknown {
  const root = content ?? {};
  if (!isMap(root)) return content;
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value));
  const endpoint = machine.csiEndpoint || 'unix:///run/berth/csi.sock';
  return {
    ...root,
    node: isMap(root.node ?? {}) ? { name: machine.hostname, ...(root.node as object), ...given } : root.node,
    csi: isMap(root.csi ?? {}) ? { endpoint, ...(root.csi as object) } : root.csi,
  };
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
