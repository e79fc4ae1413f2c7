import { describeMatrix } from './matrix.ts';

describeMatrix('image-xfs');
