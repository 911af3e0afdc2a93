/** A line of the JSON log as people like to read it: time, level, program, message, the rest as `key=value`; stacks below. */
export function toTextLine(json: string): string {
  const record = parse(json);
  if (record === undefined) return json;
  const { time, level, name, pid: _, msg = '', err, ...rest } = record;
  const head = `${time} ${String(level).toUpperCase().padEnd(5)} ${name}: ${oneLine(String(msg))}`;
  const pairs = Object.entries(rest).map(([key, value]) => ` ${key}=${formatValue(value)}`);
  return `${head}${pairs.join('')}${formatError(err)}\n`;
}

/** What an attacker puts into a message must not look like a line of its own. */
const oneLine = (text: string): string => text.replaceAll(/\r?\n/g, ' | ');

const formatValue = (value: unknown): string =>
  typeof value === 'string' && /^[^\s="]+$/.test(value) ? value : (JSON.stringify(value) ?? '');

function formatError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return error === undefined ? '' : ` err=${formatValue(error)}`;
  const { type, message, stack } = error as { type?: unknown; message?: unknown; stack?: unknown };
  const head = ` err=${formatValue(`${type ?? 'Error'}: ${message ?? ''}`)}`;
  if (typeof stack !== 'string') return head;
  const calls = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return [head, ...calls.map((line) => `    ${line.trim()}`)].join('\n');
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(json) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
