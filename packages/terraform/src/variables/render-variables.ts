import { ConfigurationMistake } from '../configuration/configuration-mistake.ts';
import { findHclValueMistake } from '../hcl/hcl-value.ts';

/** A variable of a workspace, of category `terraform`. */
export interface VariableValue {
  key: string;
  /** Text as it is, or an HCL or JSON expression when `hcl` is set. */
  value: string;
  hcl: boolean;
}

export interface RenderedVariables {
  /** Contents of a `.auto.tfvars.json` file: literals, read by nobody as templates. Undefined when it would be empty. */
  json: string | undefined;
  /** Contents of a `.auto.tfvars` file: expressions that JSON cannot say. */
  hcl: string | undefined;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * Renders variables for Terraform, each on lines of its own: a type error quotes the line, and with everything on one line it
 * would quote every secret. Numbers keep all their digits. A value can set its own variable and nothing else.
 * @throws ConfigurationMistake that tells all mistakes at once and no value.
 */
export function renderVariables(variables: readonly VariableValue[]): RenderedVariables {
  const mistakes = findVariableMistakes(variables);
  if (mistakes.length > 0) throw new ConfigurationMistake(mistakes.join('\n'));
  const literals: string[] = [];
  const expressions: string[] = [];
  for (const { key, value, hcl } of variables) {
    const literal = hcl ? findJsonLiteral(value) : JSON.stringify(value);
    if (literal === undefined) expressions.push(`${key} = ${value.trim()}\n`);
    else literals.push(`  ${JSON.stringify(key)}: ${literal}`);
  }
  return {
    json: literals.length > 0 ? `{\n${literals.join(',\n')}\n}\n` : undefined,
    hcl: expressions.length > 0 ? expressions.join('') : undefined,
  };
}

/** One sentence for each variable that cannot be handed to Terraform. Values are never quoted. */
export function findVariableMistakes(variables: readonly VariableValue[]): string[] {
  const seen = new Set<string>();
  return variables.flatMap(({ key, value, hcl }) => {
    const name = JSON.stringify(key.slice(0, 80));
    if (!IDENTIFIER.test(key))
      return [
        `The variable ${name} cannot be named so; use letters, digits, "_" and "-", beginning with a letter or "_".`,
      ];
    if (seen.has(key)) return [`The variable ${name} is given twice; remove one.`];
    seen.add(key);
    const mistake = hcl ? findHclValueMistake(value) : undefined;
    return mistake === undefined ? [] : [`The value of the variable ${name} is marked as HCL, but ${mistake}.`];
  });
}

/**
 * An expression that is JSON goes into the JSON file, where more escapes are known and nothing is a template. Line breaks in
 * JSON stand only between values.
 */
function findJsonLiteral(expression: string): string | undefined {
  if (/[$%]\{/.test(expression)) return undefined;
  try {
    JSON.parse(expression);
  } catch {
    return undefined;
  }
  return expression.trim().replaceAll(/\s*[\r\n]\s*/g, ' ');
}
