import type { Turn } from '../turn.ts';
import { agent } from './agent.ts';
import { dispatcher } from './dispatcher.ts';
import { faults } from './faults.ts';
import { keeper } from './keeper.ts';
import { network } from './network.ts';
import { people } from './people.ts';
import { runner } from './runner.ts';
import { terraform } from './terraform.ts';

/** Everybody who makes something happen, always in this order: a move is named by its place. */
export const ACTORS: readonly ((turn: Turn) => void)[] = [
  dispatcher,
  agent,
  runner,
  terraform,
  network,
  keeper,
  people,
  faults,
];
