import { closeSync } from 'node:fs';
import { errorCode, libcBind, libcRecv, libcSetsockopt, libcSocket } from '../host/libc.ts';
import { type BlockEvent, parseUevent } from './uevent.ts';

export type { BlockEvent };

// linux/netlink.h, bits/socket.h
const AF_NETLINK = 16;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const NETLINK_KOBJECT_UEVENT = 15;
const KERNEL_GROUP = 1;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const RECEIVE_BUFFER_BYTES = 8 << 20;
const MESSAGE_MAX_BYTES = 8192;
const MESSAGES_PER_TURN = 512;

/** Where the kernel's messages come from. */
export interface UeventSocket {
  /** The next message, undefined when there is none now. Throws ENOBUFS when some were lost. */
  receive(): Buffer | undefined;
  close(): void;
}

/** Listens to the kernel itself, so that no udev is needed. Needs no privileges. */
export function openUeventSocket(): UeventSocket {
  const fd = libcSocket('uevents', AF_NETLINK, SOCK_RAW_NONBLOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
  try {
    setReceiveBuffer(fd);
    const address = Buffer.alloc(12); // struct sockaddr_nl: family, padding, port (0: the kernel chooses), groups
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(KERNEL_GROUP, 8);
    libcBind('uevents', fd, address, address.length);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const buffer = Buffer.alloc(MESSAGE_MAX_BYTES);
  return {
    receive() {
      try {
        const length = Number(libcRecv('uevents', fd, buffer, buffer.length, MSG_DONTWAIT));
        return Buffer.from(buffer.subarray(0, length));
      } catch (error) {
        if (errorCode(error) === 'EAGAIN') return undefined;
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}

/** A shelf of disks brings thousands of messages at once. Without the privilege the default size has to do. */
function setReceiveBuffer(fd: number): void {
  const size = Buffer.alloc(4);
  size.writeInt32LE(RECEIVE_BUFFER_BYTES);
  try {
    libcSetsockopt('uevents', fd, SOL_SOCKET, SO_RCVBUFFORCE, size, size.length);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

export interface WatchOptions {
  /** Never called with an empty list. An error that it throws is the process's, as in any timer. */
  onChange(events: BlockEvent[]): void;
  /** Which events to tell of; all. */
  concerns?(event: BlockEvent): boolean;
  /** How often the socket is looked at; 250 ms. */
  intervalMs?: number | undefined;
  /** How often a `rescan` comes although nothing was heard; 30 s. */
  rescanMs?: number | undefined;
  /** A `rescan` this long after the last event, when udev has caught up; 2 s. */
  settleMs?: number | undefined;
  socket?: UeventSocket | undefined;
}

export interface DiskWatch {
  close(): void;
}

/**
 * Tells of block devices that come, go or change. The timers keep no process alive. Where the socket cannot be had the
 * slow rescan alone remains.
 */
export function watchDisks(options: WatchOptions): DiskWatch {
  const { onChange, concerns = () => true, intervalMs = 250, rescanMs = 30_000, settleMs = 2_000 } = options;
  const socket = options.socket ?? openUeventSocket();
  let settle: NodeJS.Timeout | undefined;
  const rescan = (): void => onChange([{ action: 'rescan' }]);

  const poll = setInterval(() => {
    const events = drain(socket).filter(concerns);
    if (events.length === 0) return;
    clearTimeout(settle);
    settle = setTimeout(rescan, settleMs).unref();
    onChange(events);
  }, intervalMs).unref();
  const slow = setInterval(rescan, rescanMs).unref();

  return {
    close() {
      clearInterval(poll);
      clearInterval(slow);
      clearTimeout(settle);
      socket.close();
    },
  };
}

function drain(socket: UeventSocket): BlockEvent[] {
  const events: BlockEvent[] = [];
  for (let count = 0; count < MESSAGES_PER_TURN; count++) {
    try {
      const message = socket.receive();
      if (message === undefined) break;
      const event = parseUevent(message);
      if (event !== undefined) events.push(event);
    } catch (error) {
      if (errorCode(error) !== 'ENOBUFS') throw error;
      events.push({ action: 'rescan' });
    }
  }
  return events;
}
