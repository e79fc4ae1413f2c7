import {
  describeField,
  describeMethod,
  describeReserved,
  type FlatDescriptor,
  formatOptions,
  type Options,
} from './flatten.ts';

/** google/protobuf/descriptor.proto in its JSON form, as far as CSI uses it. */
export interface FileDescriptor {
  package: string;
  options?: Options;
  messageType: MessageDescriptor[];
  enumType: EnumDescriptor[];
  service: {
    name: string;
    options?: Options;
    method: {
      name: string;
      inputType: string;
      outputType: string;
      clientStreaming?: boolean;
      serverStreaming?: boolean;
      options?: Options;
    }[];
  }[];
  extension: (FieldDescriptor & { extendee: string })[];
}

interface MessageDescriptor {
  name: string;
  options?: Options;
  field?: FieldDescriptor[];
  oneofDecl?: { name: string }[];
  nestedType?: MessageDescriptor[];
  enumType?: EnumDescriptor[];
  /** The end is not part of the range. */
  reservedRange?: { start: number; end: number }[];
}

interface EnumDescriptor {
  name: string;
  options?: Options;
  value: { name: string; number?: number; options?: Options }[];
  /** The end is part of the range. */
  reservedRange?: { start: number; end: number }[];
}

interface FieldDescriptor {
  name: string;
  number: number;
  label: string;
  type: string;
  typeName?: string;
  oneofIndex?: number;
  options?: Options;
}

export function flattenOfficial(file: FileDescriptor): FlatDescriptor {
  const flat: FlatDescriptor = { [file.package]: `package${formatOptions(file.options)}` };
  for (const message of file.messageType) addMessage(flat, file.package, message);
  for (const type of file.enumType) addEnum(flat, file.package, type);
  for (const extension of file.extension) {
    flat[`${file.package}.${extension.name}`] = `extends ${bare(extension.extendee)}: ${fieldOf(extension, [], [])}`;
  }
  for (const service of file.service) {
    const name = `${file.package}.${service.name}`;
    flat[name] = `service${formatOptions(service.options)}`;
    for (const method of service.method) {
      flat[`${name}.${method.name}`] = describeMethod({
        request: bare(method.inputType),
        response: bare(method.outputType),
        clientStreams: method.clientStreaming ?? false,
        serverStreams: method.serverStreaming ?? false,
        options: method.options,
      });
    }
  }
  return flat;
}

function addMessage(flat: FlatDescriptor, scope: string, message: MessageDescriptor): void {
  const name = `${scope}.${message.name}`;
  const nested = message.nestedType ?? [];
  const maps = nested.filter((type) => type.options?.['mapEntry'] === true);
  flat[name] = `message${formatOptions(message.options)}`;
  for (const field of message.field ?? []) {
    flat[`${name}.${field.name}`] = fieldOf(field, message.oneofDecl ?? [], maps);
  }
  if (message.reservedRange) {
    flat[`${name} reserved`] = describeReserved(message.reservedRange.map(({ start, end }) => [start, end - 1]));
  }
  for (const type of message.enumType ?? []) addEnum(flat, name, type);
  for (const type of nested) if (!maps.includes(type)) addMessage(flat, name, type);
}

function addEnum(flat: FlatDescriptor, scope: string, type: EnumDescriptor): void {
  const name = `${scope}.${type.name}`;
  flat[name] = `enum${formatOptions(type.options)}`;
  for (const value of type.value) {
    flat[`${name}.${value.name}`] = `value ${value.number ?? 0}${formatOptions(value.options)}`;
  }
  if (type.reservedRange) {
    flat[`${name} reserved`] = describeReserved(type.reservedRange.map(({ start, end }) => [start, end]));
  }
}

function fieldOf(field: FieldDescriptor, oneofs: { name: string }[], maps: MessageDescriptor[]): string {
  const map = maps.find((type) => field.typeName?.endsWith(`.${type.name}`));
  const [key, value] = map?.field ?? [];
  return describeField({
    number: field.number,
    type: key && value ? `map<${typeOf(key)}, ${typeOf(value)}>` : typeOf(field),
    repeated: field.label === 'LABEL_REPEATED' && !map,
    oneof: field.oneofIndex === undefined ? undefined : oneofs[field.oneofIndex]?.name,
    options: field.options,
  });
}

const typeOf = (field: FieldDescriptor): string =>
  field.typeName === undefined ? field.type.replace('TYPE_', '').toLowerCase() : bare(field.typeName);

const bare = (name: string): string => name.replace(/^\./, '');
