import { createRequire } from 'node:module';
import { join } from 'node:path';
// The copy that proto-loader itself uses is loaded; this import gives its types only.
import type * as protobuf from 'protobufjs';
import { describeField, describeMethod, describeReserved, type FlatDescriptor, formatOptions } from './flatten.ts';

const require = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'));
export const { Root, Type, Enum, Service, Field, MapField, common } = require('protobufjs') as typeof protobuf;

const PACKAGE = 'csi.v1';

interface DescriptorJson {
  nested: { google: { nested: { protobuf: { nested: Record<string, protobuf.AnyNestedObject> } } } };
}

/** Reads proto/csi/v1/csi.proto with the parser that Berth serves it with, options included. */
export function loadOurs(): protobuf.Namespace {
  const { nested } = require('protobufjs/google/protobuf/descriptor.json') as DescriptorJson;
  common('descriptor', nested.google.nested.protobuf.nested);
  const root = new Root();
  root.resolvePath = (_origin, target) => target;
  root.loadSync(join(import.meta.dirname, '../../../proto/csi/v1/csi.proto'), { keepCase: true }).resolveAll();
  return root.lookup(PACKAGE) as protobuf.Namespace;
}

export function flattenOurs(): FlatDescriptor {
  const namespace = loadOurs();
  const flat: FlatDescriptor = { [PACKAGE]: `package${formatOptions(namespace.options)}` };
  addNested(flat, namespace);
  return flat;
}

function addNested(flat: FlatDescriptor, namespace: protobuf.NamespaceBase): void {
  for (const thing of namespace.nestedArray) {
    if (thing instanceof Type) addMessage(flat, thing);
    else if (thing instanceof Enum) addEnum(flat, thing);
    else if (thing instanceof Service) addService(flat, thing);
    else if (thing instanceof Field) flat[nameOf(thing)] = `extends ${thing.extend}: ${fieldOf(thing)}`;
  }
}

function addMessage(flat: FlatDescriptor, type: protobuf.Type): void {
  flat[nameOf(type)] = `message${formatOptions(type.options)}`;
  for (const field of type.fieldsArray) flat[nameOf(field)] = fieldOf(field);
  addReserved(flat, type);
  addNested(flat, type);
}

function addEnum(flat: FlatDescriptor, type: protobuf.Enum): void {
  flat[nameOf(type)] = `enum${formatOptions(type.options)}`;
  for (const [name, number] of Object.entries(type.values)) {
    flat[`${nameOf(type)}.${name}`] = `value ${number}${formatOptions(type.valuesOptions?.[name])}`;
  }
  addReserved(flat, type);
}

function addService(flat: FlatDescriptor, service: protobuf.Service): void {
  flat[nameOf(service)] = `service${formatOptions(service.options)}`;
  for (const method of service.methodsArray) {
    flat[nameOf(method)] = describeMethod({
      request: nameOf(method.resolvedRequestType!),
      response: nameOf(method.resolvedResponseType!),
      clientStreams: method.requestStream ?? false,
      serverStreams: method.responseStream ?? false,
      options: method.options,
    });
  }
}

function addReserved(flat: FlatDescriptor, type: protobuf.Type | protobuf.Enum): void {
  const ranges = (type.reserved ?? []).filter((range) => typeof range !== 'string') as [number, number][];
  if (ranges.length > 0) flat[`${nameOf(type)} reserved`] = describeReserved(ranges);
}

function fieldOf(field: protobuf.Field): string {
  const value = field.resolvedType ? nameOf(field.resolvedType) : field.type;
  return describeField({
    number: field.id,
    type: field instanceof MapField ? `map<${field.keyType}, ${value}>` : value,
    repeated: field.repeated,
    oneof: field.partOf?.name,
    options: field.options,
  });
}

const nameOf = (thing: protobuf.ReflectionObject): string => thing.fullName.replace(/^\./, '');
