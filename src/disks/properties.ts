import type { Tags } from './snapshot.ts';

/** Reads lines of `KEY=value`; the value is all that follows the first `=`. Lines of another form are `rejected`. */
export function parseProperties(text: string): { tags: Tags; rejected: string[] } {
  const tags: Record<string, string> = Object.create(null);
  const rejected: string[] = [];
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0 && /^[A-Z][A-Z0-9_]*$/.test(line.slice(0, at))) tags[line.slice(0, at)] = line.slice(at + 1);
    else if (line !== '') rejected.push(line);
  }
  return { tags, rejected };
}

/** Undoes the `\xHH` of udev's `_ENC` values. */
export function decodeProperty(value: string): string {
  const bytes = value.replace(/\\x([0-9a-fA-F]{2})|([^\\]+|\\)/gu, (_, hex?: string, plain?: string) =>
    hex !== undefined ? String.fromCharCode(Number.parseInt(hex, 16)) : Buffer.from(plain!).toString('latin1'),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

// The properties of the udev database that say what a device is or carries; all others come and go.
const KEPT =
  /^(ID_(BUS|MODEL|MODEL_ENC|VENDOR|SERIAL|SERIAL_SHORT|WWN|WWN_WITH_EXTENSION|PATH|PART_TABLE_TYPE|FS_TYPE|FS_UUID)|ID_PART_ENTRY_(TYPE|UUID|SCHEME)|DM_MULTIPATH_DEVICE_PATH|MD_UUID)$/;

/** One file of the udev database: `S:` lines are links, `E:` lines properties, the rest is udev's own business. */
export function parseUdevEntry(text: string): { links: string[]; tags: Tags } {
  const links: string[] = [];
  const properties: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('S:')) links.push(line.slice(2));
    else if (line.startsWith('E:')) properties.push(line.slice(2));
  }
  const all = Object.entries(parseProperties(properties.join('\n')).tags);
  return { links: links.sort(), tags: Object.fromEntries(all.filter(([key]) => KEPT.test(key)).sort()) };
}
