export { createHub, type FleetNode, type Hub, type Identity } from './hub.ts';
export { joinAs } from './membership.ts';
export { KEEPALIVE, MAX_MESSAGE_BYTES } from './messages.ts';
export { createDoubts } from './place.ts';
export { createRoutes } from './router.ts';
