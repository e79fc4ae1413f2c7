import { basename, dirname, join } from 'node:path';
import { kindOf } from './kinds.ts';
import { decodeProperty, parseUdevEntry } from './properties.ts';
import type { DiskSnapshot, Tags } from './snapshot.ts';
import type { DiskSources } from './sources.ts';
import { type Attributes, type Read, readAttributes } from './sysfs.ts';
import { printable } from './words.ts';

const SECTOR_BYTES = 512n; // the unit of `size` in sysfs, whatever the device's own is

/** What sysfs and the udev database say about one device. */
export type DeviceFacts = Omit<
  DiskSnapshot,
  | 'partitions'
  | 'btrfs'
  | 'mountsFrom'
  | 'mounts'
  | 'mountCount'
  | 'swap'
  | 'backs'
  | 'content'
  | 'exclusive'
  | 'head'
  | 'tail'
  | 'headers'
>;

/** Reads one device; undefined for what went away meanwhile and for loop devices with nothing attached. */
export function readDevice(sources: DiskSources, name: string): DeviceFacts | undefined {
  const folder = `class/block/${name}`;
  const target = sources.linkTarget('sys', folder);
  if (target === undefined) return undefined;
  const sysPath = join('/class/block', target);

  const problems: string[] = [];
  const attributes = readAttributes(sources, folder, problems);
  const { fact, required, names, detail } = attributes;
  const partition = fact('partition');
  const kind = partition === undefined ? kindOf(name) : 'partition';
  const loop = kind === 'loop' ? readLoop(fact) : undefined;
  if (kind === 'loop' && loop === undefined) return undefined;

  const number = required('dev', /^\d+:\d+$/) ?? '';
  const path = join(sources.devRoot, name.replaceAll('!', '/'));
  const rotational = detail('queue/rotational');
  const udev = readUdev(sources, number, problems);
  return {
    name,
    path,
    number,
    nodeNumber: sources.nodeNumber(path),
    kind,
    parent: kind === 'partition' ? basename(dirname(sysPath)) : undefined,
    partitionNumber: partition === undefined ? undefined : Number(partition),
    sizeBytes: BigInt(required('size', /^\d+$/) ?? 0) * SECTOR_BYTES,
    readOnly: required('ro', /^[01]$/) !== '0',
    removable: fact('removable') === '1',
    hidden: fact('hidden') === '1',
    rotational: rotational === undefined ? undefined : rotational === '1',
    sysPath,
    ...(kind === 'partition' || kind === 'loop' ? {} : readHardware(name, attributes, udev.tags)),
    holders: names('holders'),
    slaves: names('slaves'),
    dm: kind === 'dm' ? readDm(fact) : undefined,
    loop,
    udevState: udev.state,
    udev: udev.tags,
    links: udev.links,
    problems,
  };
}

function readLoop(fact: Read): DeviceFacts['loop'] {
  const backingFile = fact('loop/backing_file');
  if (backingFile === undefined || backingFile === '') return undefined;
  const offset = fact('loop/offset') ?? '';
  return { backingFile, offsetBytes: /^\d+$/.test(offset) ? BigInt(offset) : 0n };
}

const readDm = (fact: Read): DeviceFacts['dm'] => ({
  uuid: fact('dm/uuid') ?? '',
  name: fact('dm/name') ?? '',
  suspended: fact('dm/suspended') !== '0',
});

/** SCSI cuts the model in sysfs after 16 letters, so udev's goes first, save for NVMe. */
function readHardware(
  name: string,
  attributes: Attributes,
  udev: Tags,
): Pick<DeviceFacts, 'model' | 'vendor' | 'serial' | 'wwn' | 'deviceState' | 'nvmeTransport'> {
  const { detail, fact } = attributes;
  const nvme = name.startsWith('nvme');
  const udevModel = udev['ID_MODEL_ENC'] === undefined ? udev['ID_MODEL'] : decodeProperty(udev['ID_MODEL_ENC']);
  const sysModel = detail('device/model');
  return {
    model: nonEmpty(nvme ? (sysModel ?? udevModel) : (udevModel ?? sysModel)),
    vendor: nonEmpty(detail('device/vendor')?.replace(/^0x[0-9a-f]{4}$/i, '') || udev['ID_VENDOR']),
    serial: nonEmpty(detail('device/serial') ?? detail('serial') ?? udev['ID_SERIAL_SHORT']),
    wwn: nonEmpty(detail('wwid') ?? detail('device/wwid') ?? udev['ID_WWN_WITH_EXTENSION'] ?? udev['ID_WWN']),
    deviceState: nonEmpty(fact('device/state')),
    nvmeTransport: nvme ? readNvmeTransport(attributes) : undefined,
  };
}

/** The namespace of a multipath subsystem has several controllers; one beyond a network is enough to tell. */
function readNvmeTransport({ detail, names }: Attributes): string | undefined {
  const own = detail('device/transport');
  if (own !== undefined) return own;
  const controllers = names('device').filter((entry) => /^nvme\d+$/.test(entry));
  const transports = controllers.map((controller) => detail(`device/${controller}/transport`));
  return transports.find((transport) => transport !== 'pcie') ?? transports[0];
}

function readUdev(
  sources: DiskSources,
  number: string,
  problems: string[],
): { state: DiskSnapshot['udevState']; links: string[]; tags: Tags } {
  try {
    const text = sources.readText('udev', `data/b${number}`);
    if (text !== undefined) return { state: 'read', ...parseUdevEntry(text) };
    const database = sources.list('udev', 'data');
    return { state: database === undefined ? 'absent' : 'no-entry', links: [], tags: {} };
  } catch (error) {
    problems.push(`udev database: ${(error as Error).message}`);
    return { state: 'no-entry', links: [], tags: {} };
  }
}

/** Vendors put anything into these, padded with spaces. */
function nonEmpty(text: string | undefined): string | undefined {
  const name = printable((text ?? '').replaceAll('\0', '').trim().replace(/\s+/g, ' '));
  return name === '' ? undefined : name;
}
