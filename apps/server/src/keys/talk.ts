/** What a key command says, and where. */
export interface Talk {
  /** The result: as it is with --json, else what `human` makes of it. */
  result<T>(value: T, human: (value: T) => string): void;
  /** What happens meanwhile; nothing with --json. */
  progress(line: string): void;
}

export const createTalk = (json: boolean): Talk => ({
  result: (value, human) => void process.stdout.write(`${json ? JSON.stringify(value, null, 2) : human(value)}\n`),
  progress: (line) => {
    if (!json) process.stderr.write(`${line}\n`);
  },
});
