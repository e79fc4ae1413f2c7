const REDACTED = '[redacted]';

/**
 * Fields that are never logged, wherever in a message they are: CSI 1.13 "Secrets Requirements", the `csi_secret`
 * fields, `mount_flags` ("MAY contain sensitive information"), and the tokens that the kubelet adds to volume_context.
 */
const SENSITIVE = new Set(['secrets', 'mount_flags', 'csi.storage.k8s.io/serviceAccount.tokens']);

/** A copy of a request that may be logged. Sensitive fields keep their name, so that their presence is seen. */
export function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, SENSITIVE.has(name) ? mask(inner) : redact(inner)]),
  );
}

const mask = (value: unknown): unknown => (isEmpty(value) ? value : REDACTED);

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
}
