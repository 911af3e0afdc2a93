import { createSensitiveCollector, type SensitiveCollector, type SensitiveValue } from '../sensitive-values.ts';
import type { ModuleConfiguration, ModuleValues, PlanJson, PlannedResource, StateValues } from './plan-json.ts';

/**
 * All texts of a plan that are marked sensitive: variables, outputs, attributes before and after, and constants handed to
 * sensitive variables of modules. Mask them by value wherever they turn up: providers copy them to places without a mark.
 */
export function collectPlanSecrets(plan: PlanJson): SensitiveValue[] {
  const collector = createSensitiveCollector();
  addVariables(collector, plan);
  for (const resource of plan.resource_changes ?? []) addChange(collector, resource);
  for (const resource of plan.resource_drift ?? []) addChange(collector, resource);
  for (const { resource_change: resource } of plan.deferred_changes ?? []) if (resource) addChange(collector, resource);
  for (const [name, { before, before_sensitive, after, after_sensitive }] of Object.entries(
    plan.output_changes ?? {},
  )) {
    collector.add(before, before_sensitive, `output "${name}"`);
    collector.add(after, after_sensitive, `output "${name}"`);
  }
  addState(collector, plan.planned_values);
  addState(collector, plan.prior_state?.values);
  addModuleCalls(collector, plan.configuration?.root_module, '');
  return collector.list();
}

function addVariables(collector: SensitiveCollector, { variables = {}, configuration }: PlanJson): void {
  for (const [name, declaration] of Object.entries(configuration?.root_module?.variables ?? {})) {
    if (!declaration.sensitive) continue;
    collector.add(variables[name]?.value, true, `variable "${name}"`);
    collector.add(declaration.default, true, `variable "${name}"`);
  }
}

function addChange(collector: SensitiveCollector, { address, change }: PlannedResource): void {
  collector.add(change.before, change.before_sensitive, address);
  collector.add(change.after, change.after_sensitive, address);
}

function addState(collector: SensitiveCollector, values: StateValues | undefined): void {
  for (const [name, { value, sensitive }] of Object.entries(values?.outputs ?? {}))
    collector.add(value, sensitive, `output "${name}"`);
  addModuleValues(collector, values?.root_module);
}

function addModuleValues(collector: SensitiveCollector, module: ModuleValues | undefined): void {
  for (const { address = 'a resource', values, sensitive_values } of module?.resources ?? [])
    collector.add(values, sensitive_values, address);
  for (const child of module?.child_modules ?? []) addModuleValues(collector, child);
}

function addModuleCalls(collector: SensitiveCollector, module: ModuleConfiguration | undefined, path: string): void {
  for (const [name, call] of Object.entries(module?.module_calls ?? {})) {
    const address = `${path}module.${name}`;
    for (const [variable, { sensitive, default: fallback }] of Object.entries(call.module?.variables ?? {})) {
      if (!sensitive) continue;
      collector.add(fallback, true, `variable "${variable}" of ${address}`);
      collector.add(call.expressions?.[variable]?.constant_value, true, `variable "${variable}" of ${address}`);
    }
    addModuleCalls(collector, call.module, `${address}.`);
  }
}
