# The launcher: stands between the runner, which may die at any moment, and Terraform, which may not.
#
#   sh launcher.sh     stdin: path of an order     descriptor 3: `alive`
#
# It is started in a session of its own and waits for its order, so that its start costs nothing when the time comes. An order is
# a script: it has the program with its arguments as positional parameters, and sets
#
#   gc__environment   a function that exports Terraform's environment: secrets are in it, which are no business of the programs
#                     that the launcher itself starts
#   gc__record   <gc__record>.pid:  /proc/<pid>/stat of Terraform's process as it is born: pid, launcher, start time
#                <gc__record>.exit: the shell's $? of Terraform; there only when Terraform is gone
#   gc__fate     for an apply, else empty: the file `fate`. Created exclusively with `started`; whoever else needs it to be missing
#                creates it as `never`
#   gc__folder   where Terraform runs
#   gc__stdout, gc__stderr   files that its output is appended to
#
# Terraform runs in yet another session: killing Terraform's process group leaves the launcher there to write down how it ended.
# It runs in the foreground, because a shell has its background processes ignore SIGINT. Descriptor 3 is inherited by Terraform and
# by everything Terraform starts, on purpose: the lock on it is free only when nothing of it runs any more. The lock is shared, so
# that a straggler of one command does not stop the next one.

# Whoever probes the lock holds it for a moment.
flock --shared --wait 1 3 || exit 75
# No order: the runner is gone or has changed its mind.
IFS= read -r gc__order && [ -n "$gc__order" ] || exit 0
. "$gc__order"
cd "$gc__folder" && unset OLDPWD || exit 73

# What an apply leaves must outlive the machine; all else is worthless after its death.
gc__durably() { [ -z "$gc__fate" ] || sync "$@"; }

if [ -n "$gc__fate" ]; then
  (set -o noclobber && echo started >"$gc__fate") 2>/dev/null || exit 0
  gc__durably "$gc__fate" "${gc__fate%/*}" || exit 74
fi

(
  read -r gc__stat </proc/self/stat
  echo "$gc__stat" >"$gc__record.pid"
  gc__environment
  exec setsid "$@" </dev/null >>"$gc__stdout" 2>>"$gc__stderr"
)
gc__status=$?

# A full disk is waited for: this is the only witness. Whoever reads it takes what is not a whole line for nothing.
until echo "$gc__status" >"$gc__record.exit" && gc__durably "$gc__record.exit" "${gc__record%/*}"; do sleep 1; done
