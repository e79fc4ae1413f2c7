import { runPoolThread } from './worker.ts';

// The entry of a pool's thread. In a bundle it is a file of its own, since every thread keeps its own copy of what it
// loads: with the whole program in it a thread takes 16 MiB more.
runPoolThread();
