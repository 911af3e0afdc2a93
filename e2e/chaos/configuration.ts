/** What one task's configuration does. */
export interface Order {
  /** Names the task in ledger, log and state, such as `w3-5`: unlike any other of the run. */
  readonly label: string;
  readonly ledger: string;
  /** What each resource prints before it is done, and how long it takes for it. */
  readonly lines: number;
  readonly pauseSeconds: number;
  /** Names a variable of the environment that is secret, and printed all the same. */
  readonly secretVariable: string;
}

/** The resources of every configuration: two that follow one another, and one beside them. */
export const RESOURCES = ['one', 'two', 'beside'] as const;
type ResourceName = (typeof RESOURCES)[number];
export const addressOf = (name: string): string => `terraform_data.${name}`;

/**
 * A configuration whose resources are all made anew by each task. Creating one appends one line to the ledger, with a single write,
 * as its very last act: what stands there was applied, whatever anybody says.
 */
export const filesOf = (order: Order): Record<string, string> => ({
  'main.tf': RESOURCES.map((name) => resource(order, name)).join('\n'),
});

const resource = (order: Order, name: ResourceName): string => `resource "terraform_data" "${name}" {
  input            = "${order.label}"
  triggers_replace = ["${order.label}"]
${name === 'two' ? '  depends_on       = [terraform_data.one]\n' : ''}  provisioner "local-exec" {
    command = ${JSON.stringify(commandOf(order, name))}
  }
}
`;

const commandOf = ({ label, ledger, lines, pauseSeconds, secretVariable }: Order, name: ResourceName): string =>
  `i=1; while [ $i -le ${lines} ]; do echo "${label} ${name} line $i $${secretVariable}"; sleep ${pauseSeconds}; i=$((i + 1)); done; ` +
  `echo "${label} ${name}" >> ${ledger}`;
