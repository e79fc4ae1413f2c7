import { fail, NFS4 } from '../protocol/status.ts';
import { attributeHandlers } from './attributes.ts';
import type { Handlers } from './context.ts';
import { dataHandlers } from './data.ts';
import { handleHandlers } from './handles.ts';
import { lockHandlers } from './locks.ts';
import { nameHandlers } from './names.ts';
import { openHandlers } from './open.ts';
import { directoryHandlers } from './read-directory.ts';
import { sessionHandlers } from './sessions.ts';
import { setAttributeHandlers } from './set-attributes.ts';
import { stateidHandlers } from './stateids.ts';

/** What carries out each operation. */
export const handlers: Handlers = {
  ...attributeHandlers,
  ...dataHandlers,
  ...directoryHandlers,
  ...handleHandlers,
  ...lockHandlers,
  ...nameHandlers,
  ...openHandlers,
  ...sessionHandlers,
  ...setAttributeHandlers,
  ...stateidHandlers,
  // Only the compound as a whole can carry it out.
  SEQUENCE: () => fail(NFS4.ERR_SEQUENCE_POS),
};
