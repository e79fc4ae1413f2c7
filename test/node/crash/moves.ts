import { hasCapability } from '../../../src/host/capability.ts';
import type { StepName } from '../../../src/pools/steps.ts';
import { type Calls, capabilityOf } from './calls.ts';
import { writePiece } from './data.ts';
import type { PoolName } from './lab.ts';
import { type Book, type Content, cutOf, isThere, type VolumeNote } from './notes.ts';
import type { Random } from './random.ts';

const MIB = 1n << 20n;
const VOLUMES_AT_MOST = 4;
const SNAPSHOTS_AT_MOST = 3;
const SIZE_AT_MOST = 288n * MIB;
/** How much likelier a move is that leads to the step which a case is about. */
const FAVOURED = 6;

/** The kernel grows a mounted ext4 only for those who have this capability. */
const canGrow = (content: Content): boolean => content !== 'ext4' || hasCapability('CAP_SYS_RESOURCE');

type MoveName =
  | 'create'
  | 'clone'
  | 'snapshot'
  | 'group'
  | 'delete'
  | 'expand'
  | 'expandNode'
  | 'modify'
  | 'stage'
  | 'unstage'
  | 'publish'
  | 'unpublish'
  | 'write'
  | 'repeat';

interface Move {
  name: MoveName;
  weight: number;
  act: () => Promise<void>;
}

const leadingTo: Record<string, readonly MoveName[]> = {
  create: ['create', 'delete'],
  snapshot: ['snapshot', 'group', 'stage', 'delete'],
  clone: ['clone', 'snapshot', 'stage', 'delete'],
  delete: ['delete', 'create'],
  expand: ['expand', 'expandNode', 'stage'],
  modify: ['modify', 'create'],
  stage: ['expand', 'stage', 'unpublish', 'unstage'],
  unstage: ['stage', 'unpublish', 'unstage'],
  publish: ['publish', 'unpublish'],
  unpublish: ['publish', 'unpublish'],
};

/** One caller's next move on its own volumes in one pool, chosen at random from what is possible now. */
export function chooseMove(
  { pool, book, calls, prefix }: { pool: PoolName; book: Book; calls: Calls; prefix: string },
  random: Random,
  towards: StepName | undefined,
): Move | undefined {
  const moves: Move[] = [];
  const favoured = towards === undefined ? [] : leadingTo[towards.split('.')[0]!]!;
  const may = (name: MoveName, weight: number, act: () => Promise<void>): void => {
    moves.push({ name, act, weight: favoured.includes(name) ? weight * FAVOURED : weight });
  };
  /** Offers the move for one of those that it is possible for. */
  const mayOne = <T>(name: MoveName, weight: number, items: readonly T[], act: (item: T) => Promise<void>): void => {
    if (items.length > 0) may(name, weight, () => act(random.pick(items)));
  };
  const newName = (): string => `${prefix}-${book.volumes.length + book.snapshots.length + book.groups.length}`;
  const backendIs = (backend: 'btrfs' | 'image'): boolean => pool.startsWith(backend);

  const volumes = book.volumes.filter(isThere);
  const snapshots = book.snapshots.filter(isThere);
  const groups = book.groups.filter(isThere);
  const staged = volumes.filter((note) => note.staged === 'yes');
  const free = volumes.filter((note) => note.staged === 'no');
  const published = staged.filter((note) => note.published === 'yes');
  const unpublished = staged.filter((note) => note.published === 'no');
  // A raw block device in use cannot be held still for a copy that takes its time.
  const copyable = volumes.filter((note) => pool !== 'image-ext4' || note.content !== 'block' || note.staged === 'no');
  const needsFreeze = towards?.endsWith('.freeze') || towards?.endsWith('.thaw');
  const mounted = copyable.filter((note) => note.content !== 'block' && note.staged === 'yes');
  const sources = needsFreeze && mounted.length > 0 ? mounted : copyable;

  const addVolume = (
    note: Pick<VolumeNote, 'content' | 'thin' | 'sizeBytes' | 'data'>,
    request: object,
  ): Promise<void> => {
    const name = newName();
    const added: VolumeNote = {
      ...note,
      pool,
      name,
      request: {
        name,
        capacity_range: { required_bytes: String(note.sizeBytes) },
        volume_capabilities: [capabilityOf(note.content)],
        ...request,
      },
      existence: 'asked',
      id: undefined,
      askedBytes: undefined,
      filled: false,
      staged: 'no',
      published: 'no',
      readOnly: note.content !== 'block' && random.chance(0.2),
    };
    book.volumes.push(added);
    return calls.createVolume(added);
  };
  const create = (): Promise<void> => {
    const thin = backendIs('image') && random.chance(0.3);
    const nodatacow = backendIs('btrfs') && random.chance(0.3);
    const content = backendIs('btrfs')
      ? 'subvolume'
      : random.pick(['btrfs', 'btrfs', 'ext4', 'block', 'block'] as const);
    const sizeBytes = BigInt(random.between(0, 8)) * MIB + (content === 'btrfs' ? 256n : 8n) * MIB;
    const parameters = { poolClass: pool, ...(thin && { thin: 'true' }), ...(nodatacow && { nodatacow: 'true' }) };
    return addVolume({ content, thin, sizeBytes, data: new Map() }, { parameters });
  };
  const clone = (source: { cut: ReturnType<typeof cutOf>; from: object }): Promise<void> => {
    const sizeBytes = source.cut.sizeBytes + (canGrow(source.cut.content) ? random.pick([0n, 4n]) * MIB : 0n);
    return addVolume(
      { content: source.cut.content, thin: false, sizeBytes, data: new Map(source.cut.data) },
      { parameters: { poolClass: pool }, volume_content_source: source.from },
    );
  };
  const snapshot = (source: VolumeNote & { id: string }): Promise<void> => {
    const name = newName();
    const request = { name, source_volume_id: source.id };
    const added = { ...cutOf(source), pool, name, request, existence: 'asked' as const, id: undefined };
    book.snapshots.push(added);
    return calls.createSnapshot(added);
  };
  const group = (sources: readonly (VolumeNote & { id: string })[]): Promise<void> => {
    const name = newName();
    const added = {
      pool,
      name,
      request: { name, source_volume_ids: sources.map(({ id }) => id) },
      existence: 'asked' as const,
      id: undefined,
      cuts: new Map(sources.map((note) => [note.id, cutOf(note)])),
      members: new Map(),
    };
    book.groups.push(added);
    return calls.createGroup(added);
  };
  const expand = (note: VolumeNote): Promise<void> => calls.expandVolume(note, note.sizeBytes + 4n * MIB);
  const write = (note: VolumeNote): Promise<void> => {
    const throughTarget = note.published === 'yes' && !note.readOnly;
    const path = throughTarget ? calls.targetPath(note) : calls.stagingPath(note);
    return writePiece(note, path, random.between(0, 3), `${note.name} ${random.between(0, 1e9)} `);
  };

  if (volumes.length < VOLUMES_AT_MOST) {
    may('create', 4, create);
    const ofSnapshots = snapshots.map((note) => ({ cut: note, from: { snapshot: { snapshot_id: note.id } } }));
    const ofVolumes = sources.map((note) => ({ cut: cutOf(note), from: { volume: { volume_id: note.id } } }));
    mayOne('clone', 4, needsFreeze ? ofVolumes : [...ofSnapshots, ...ofVolumes], clone);
  }
  if (snapshots.length < SNAPSHOTS_AT_MOST) mayOne('snapshot', 4, sources, snapshot);
  const [first] = free;
  const others = copyable.filter((note) => note !== first);
  if (first !== undefined && groups.length === 0) mayOne('group', 1, others, (other) => group([first, other]));
  mayOne('delete', 1, free, calls.deleteVolume);
  mayOne('delete', 2, snapshots, calls.deleteSnapshot);
  mayOne('delete', 1, groups, calls.deleteGroup);
  mayOne(
    'expand',
    3,
    volumes.filter((note) => canGrow(note.content) && note.sizeBytes < SIZE_AT_MOST),
    expand,
  );
  mayOne(
    'expandNode',
    6,
    staged.filter((note) => !note.filled),
    calls.expandNode,
  );
  // Elsewhere it would only take moves from what leads to a step.
  if (towards === undefined || favoured.includes('modify')) mayOne('modify', 1, volumes, calls.modifyVolume);
  mayOne('stage', 5, free, calls.stage);
  mayOne('publish', 4, unpublished, calls.publish);
  mayOne('unpublish', 2, published, calls.unpublish);
  mayOne('unstage', 2, unpublished, calls.unstage);
  mayOne(
    'write',
    5,
    staged.filter((note) => note.content !== 'block' || note.published === 'yes'),
    write,
  );
  mayOne('repeat', 1, volumes, calls.createVolume);
  return random.weigh(moves);
}
