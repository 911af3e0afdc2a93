import { formatDuration } from '@groundcrew/kit';

/** `3 m ago`; with a precision that people need. */
export function formatAgo(time: string | null, now: number): string {
  if (time === null) return 'never';
  const ms = now - Date.parse(time);
  if (ms < 1_000) return 'now';
  const coarse = ms < 60_000 ? Math.round(ms / 1_000) * 1_000 : ms;
  return `${formatDuration(coarse).split(' ').slice(0, 2).join(' ')} ago`;
}

/** A day and minute in the user's own time zone. */
export function formatTime(time: string | null): string {
  if (time === null) return '–';
  const date = new Date(time);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
