import { describeMatrix } from './matrix.ts';

describeMatrix('btrfs');
