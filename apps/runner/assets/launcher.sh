# The launcher: stands between the runner, which may die at any moment, and Terraform, which may not.
#
#   sh launcher.sh <record> <fate> <folder> <stdout> <stderr> <program> [argument…]     stdin: "go"     descriptor 3: `alive`
#
# It is started in a session of its own, with Terraform's environment, and waits for the word "go", so that its start costs
# nothing when the time comes; <folder>, where Terraform runs, may come into being meanwhile. Terraform runs in yet another
# session: killing Terraform's process group leaves the launcher there to write down how it ended. It runs in the foreground,
# because a shell has its background processes ignore SIGINT. Descriptor 3 is inherited by Terraform and by everything Terraform
# starts, on purpose: the lock on it is free only when nothing of it runs any more. The lock is shared, so that a straggler of
# one command does not stop the next one.
#
# <record>.pid   /proc/<pid>/stat of Terraform's process as it is born: pid, launcher, start time
# <record>.exit  the shell's $? of Terraform; there only when Terraform is gone
# <fate>         for an apply, else "-": `started`. Created exclusively; whoever else needs it to be missing creates it as `never`

record=$1 fate=$2 folder=$3 stdout=$4 stderr=$5
shift 5

# Whoever probes the lock holds it for a moment.
flock --shared --wait 1 3 || exit 75
# No word: the runner is gone or has changed its mind.
read -r order && [ "$order" = go ] || exit 0
cd "$folder" && unset OLDPWD || exit 73

# What an apply leaves must outlive the machine; all else is worthless after its death.
durably() { [ "$fate" = - ] || sync "$@"; }

if [ "$fate" != - ]; then
  (set -o noclobber && echo started >"$fate") 2>/dev/null || exit 0
  durably "$fate" "${fate%/*}" || exit 74
fi

(
  read -r stat </proc/self/stat
  echo "$stat" >"$record.pid"
  exec setsid "$@" </dev/null >>"$stdout" 2>>"$stderr"
)
status=$?

# A full disk is waited for: this is the only witness.
until echo "$status" >"$record.exit.new" && durably "$record.exit.new" && mv "$record.exit.new" "$record.exit"; do sleep 1; done
durably "${record%/*}"
