/** The configuration or its variables cannot be run as they are; `message` is a sentence for its author. */
export class ConfigurationMistake extends Error {
  override name = 'ConfigurationMistake';
}
