/** On a node from its start until its pools are served, where the operator has put it; the controller takes it off. */
export const STARTUP_TAINT = 'berth.dev/not-ready';
