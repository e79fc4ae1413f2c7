import { isDeepStrictEqual } from 'node:util';
import { BerthError } from '../../errors.ts';
import type { IoLimits, SizeRange, VolumeParameters } from '../../volumes/model.ts';
import type { MakeSpec } from '../backend.ts';
import { findObject, holding, newUuid, type PoolCore } from '../core.ts';
import type { ObjectRow } from '../ledger.ts';
import { copyObject } from './copy.ts';
import { makeObject } from './make.ts';
import { modifyVolume } from './modify.ts';

export interface CreateVolumeArgs {
  name: string;
  size: SizeRange;
  /** What the volume gets, chosen from the range for this pool. */
  sizeBytes: bigint;
  content: ObjectRow['content'];
  parameters: VolumeParameters;
  ioLimits: IoLimits;
  /** In this pool. */
  source?: { kind: 'volume' | 'snapshot'; uuid: string } | undefined;
}

/** CreateVolume: empty, or from a snapshot or volume of the same pool. The name is the key of idempotency. */
export async function createVolume(core: PoolCore, args: CreateVolumeArgs): Promise<ObjectRow> {
  const existing = core.ledger.objectByName('volume', args.name);
  if (existing !== undefined) {
    checkSame(core, existing, args);
    // A claim may have got another VolumeAttributesClass before its first call was answered.
    return isDeepStrictEqual(existing.ioLimits, args.ioLimits)
      ? existing
      : modifyVolume(core, { uuid: existing.uuid, ioLimits: args.ioLimits });
  }

  const source = args.source && findObject(core, args.source.kind, args.source.uuid);
  if (source !== undefined) checkSource(source, args);
  core.room.require(args.sizeBytes);
  const row: ObjectRow = {
    uuid: newUuid(),
    kind: 'volume',
    generation: 1,
    name: args.name,
    state: 'creating',
    sizeBytes: args.sizeBytes,
    chargedBytes: args.sizeBytes,
    content: args.content,
    parameters: args.parameters,
    ioLimits: args.ioLimits,
    source: args.source,
    grow:
      source !== undefined &&
      (source.grow || source.sizeBytes < args.sizeBytes) &&
      core.backend.growsFilesystem &&
      args.content !== 'block',
    createdAt: core.now(),
  };
  const spec: MakeSpec = row;
  if (source === undefined) {
    return holding(core, 'CreateVolume', [row.uuid], () =>
      makeObject(core, 'create', row, async (staging) => {
        const made = core.step('create.make', () => core.backend.make(staging, spec));
        if (row.content !== 'block') await core.step('create.format', () => core.backend.format?.(staging, spec));
        return made;
      }),
    );
  }
  return holding(core, 'CreateVolume', [row.uuid, source.uuid], () =>
    makeObject(core, 'clone', row, (staging) => copyObject(core, 'clone', source, staging, row)),
  );
}

/** CSI 1.13 CreateVolume: the same name asks for the same volume, or is ALREADY_EXISTS. */
function checkSame(core: PoolCore, row: ObjectRow, args: CreateVolumeArgs): void {
  const differs = (difference: string) => new BerthError('VOLUME_EXISTS', { name: args.name, difference });
  if (row.sizeBytes < args.size.requiredBytes) throw differs('size');
  if (args.size.limitBytes > 0n && row.sizeBytes > args.size.limitBytes) throw differs('size');
  if (row.content !== args.content) throw differs('volume mode or file system');
  if (row.source?.uuid !== args.source?.uuid) throw differs('content source');
  if (row.parameters.thin !== args.parameters.thin) throw differs('parameter thin');
  if (row.parameters.nodatacow !== args.parameters.nodatacow) throw differs('parameter nodatacow');
  if (row.state !== 'ready') {
    throw new BerthError('OPERATION_PENDING', {
      subject: args.name,
      operation: core.busy.get(row.uuid) ?? 'CreateVolume',
    });
  }
}

function checkSource(source: ObjectRow, args: CreateVolumeArgs): void {
  const incompatible = (problem: string) => new BerthError('CONTENT_INCOMPATIBLE', { problem });
  if (source.content !== args.content) {
    throw incompatible(`it holds ${describe(source.content)}, ${describe(args.content)} was asked for`);
  }
  if (args.sizeBytes < source.sizeBytes) {
    throw new BerthError('SIZE_TOO_SMALL', {
      requested: args.sizeBytes,
      problem: `its source takes ${source.sizeBytes} bytes`,
    });
  }
}

const describe = (content: ObjectRow['content']): string => (content === 'block' ? 'a raw block device' : content);
