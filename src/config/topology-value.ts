/** CSI 1.13 Topology: a value is at most 63 of alphanumerics and inner - _ . */
export const TOPOLOGY_VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

export const TOPOLOGY_EXPECTED = 'expected at most 63 letters, digits, and inner - _ . (a topology value)';
