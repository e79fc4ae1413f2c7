/** A descriptor as one line per thing: `csi.v1.CreateVolumeRequest.name` → `field 1 string`. Equal maps, equal APIs. */
export type FlatDescriptor = Record<string, string>;

export type Options = Record<string, unknown> | undefined;

/** Options in one form: `[csi_secret=true]`, sorted, '' when there are none. */
export function formatOptions(options: Options): string {
  const entries = Object.entries(options ?? {}).map(([name, value]) => `${plainName(name)}=${value}`);
  return entries.length === 0 ? '' : ` [${entries.sort().join(' ')}]`;
}

/** `(csi_secret)`, `[csi.v1.csi_secret]` and `goPackage` are how parsers write csi_secret and go_package. */
function plainName(name: string): string {
  const last = name.match(/\w+(?=\W?$)/)?.[0] ?? name;
  return last.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function describeField(field: {
  number: number;
  type: string;
  repeated: boolean;
  oneof: string | undefined;
  options: Options;
}): string {
  const label = field.repeated ? 'repeated ' : '';
  const oneof = field.oneof === undefined ? '' : ` in ${field.oneof}`;
  return `field ${field.number} ${label}${field.type}${oneof}${formatOptions(field.options)}`;
}

export function describeMethod(method: {
  request: string;
  response: string;
  clientStreams: boolean;
  serverStreams: boolean;
  options: Options;
}): string {
  const stream = (yes: boolean): string => (yes ? 'stream ' : '');
  return `${stream(method.clientStreams)}${method.request} -> ${stream(method.serverStreams)}${method.response}${formatOptions(method.options)}`;
}

/** Reserved numbers as inclusive ranges. */
export function describeReserved(ranges: readonly (readonly [number, number])[]): string {
  return `reserved ${ranges.map(([first, last]) => `${first}-${last}`).join(' ')}`;
}
