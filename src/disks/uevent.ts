/** Something happened to a block device; `rescan` means that anything may have. */
export interface BlockEvent {
  action: 'add' | 'remove' | 'change' | 'move' | 'online' | 'offline' | 'bind' | 'unbind' | 'rescan';
  /** Kernel name; absent for `rescan`. */
  name?: string | undefined;
  /** The kernel's running number of the event. */
  sequence?: bigint | undefined;
}

const ACTIONS = new Set<string>(['add', 'remove', 'change', 'move', 'online', 'offline', 'bind', 'unbind']);

/**
 * One message of the kernel: `action@devpath`, then `KEY=value` texts, each ended by a zero byte (lib/kobject_uevent.c).
 * Undefined for other subsystems and for what is not understood.
 */
export function parseUevent(message: Buffer): BlockEvent | undefined {
  const [heading, ...properties] = message.toString('utf8').split('\0');
  if (heading === undefined || !/^[a-z]+@\//.test(heading)) return undefined;
  const values = new Map(
    properties.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const action = values.get('ACTION') ?? '';
  const path = values.get('DEVPATH') ?? '';
  if (values.get('SUBSYSTEM') !== 'block' || !ACTIONS.has(action) || path === '') return undefined;
  const sequence = values.get('SEQNUM') ?? '';
  return {
    action: action as BlockEvent['action'],
    name: path.slice(path.lastIndexOf('/') + 1),
    sequence: /^\d{1,20}$/.test(sequence) ? BigInt(sequence) : undefined,
  };
}
