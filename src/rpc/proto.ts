import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** Where proto/ is: beside the folder of the bundle's parts, or two levels above this file in the sources. */
const ROOTS = ['../proto', '../../proto'];

const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true } as const;

/**
 * Reads a file of proto/, such as `csi/v1/csi.proto`. Field names stay as written, 64-bit integers are decimal
 * strings, enums are names, absent scalars have their default, and a oneof's own name tells which member is set.
 */
export function loadProto(relativePath: string): PackageDefinition {
  return loadSync(relativePath, { ...OPTIONS, includeDirs: [protoRoot(relativePath)] });
}

/** The service named `fullName`, such as `csi.v1.Node`. */
export function serviceOf(definitions: PackageDefinition, fullName: string): ServiceDefinition {
  const definition = definitions[fullName];
  if (definition === undefined || 'format' in definition) throw new Error(`no service ${fullName} in the proto files`);
  return definition;
}

function protoRoot(relativePath: string): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const root = ROOTS.map((path) => join(here, path)).find((path) => existsSync(join(path, relativePath)));
  if (root === undefined) throw new Error(`proto/${relativePath} is not in this installation`);
  return root;
}
