import { describeMatrix } from './matrix.ts';

describeMatrix('image-ext4');
