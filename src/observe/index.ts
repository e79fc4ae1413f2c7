export { type HttpServer, serveHttp } from './http.ts';
export { createLogger, type Logger } from './logger.ts';
export { type CallMetrics, createMetrics, type Metrics } from './metrics.ts';
export { type Readiness, readiness } from './readiness.ts';
