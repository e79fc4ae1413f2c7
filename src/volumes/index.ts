export * from './model.ts';
export { createVolumeService } from './service.ts';
