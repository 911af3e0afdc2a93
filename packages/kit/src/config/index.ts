export { ConfigError, type ConfigMistake } from './config-error.ts';
export { type ConfigOf, type ConfigReferenceRow, type ConfigSpec, describeConfig } from './config-spec.ts';
export { bool, bytes, choice, duration, type Field, list, number, optional, secret, text } from './fields.ts';
export { type ConfigSources, readConfig } from './read-config.ts';
