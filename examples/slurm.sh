#!/bin/bash
## A sweep on Slurm: one Ray node on each node of the job, the sweep on the first, results in a folder that all share.
##   sbatch examples/slurm.sh
## `sweep submit grid --backend slurm --nodes 4 --gpus-per-node 4 --time 24:00:00 --store /shared/grid` writes and
## submits this.
## Yours: the options, the repository with its .venv (make setup), the folder of log, note and token, which has to be
## there before, the sweep and its store.
#SBATCH --job-name=grid
#SBATCH --output=/shared/grid/slurm/grid-%j.log
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --dependency=singleton
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --nodes=4
#SBATCH --gpus-per-node=4
#SBATCH --time=24:00:00

set -euo pipefail
cd /shared/deep-parallel-sweep && source .venv/bin/activate || exit 70
shared=/shared/grid/slurm
sweep=(python -m sweep run grid --address auto --device cuda --store /shared/grid)

# Everything of this Ray cluster is the job's own: token, port, folder. Only its owner can read the token.
token=$shared/job-$SLURM_JOB_ID.token
pid=/tmp/ray-$SLURM_JOB_ID.pid
rm -f "$pid"

# For `sweep jobs`, as Slurm soon forgets a job that has ended.
note=$shared/$SLURM_JOB_NAME-$SLURM_JOB_ID.state
note() { printf '%s %s\n' "$@" > "$note.part" && mv "$note.part" "$note"; }
began=$(date +%s)
note began "$began"
end() {
    code=$?
    # Only a sweep that began has an exit code.
    [[ -e $pid ]] || code=${stopped:-70}
    # A sweep that has trained everything, and is about to print its answer, is killed by the signal.
    [[ $code != 241 ]] || code=130
    rm -f "$token" "$pid"
    note began "$began" ended "$(date +%s)" code "$code" || true
    exit "$code"
}
trap end EXIT
trap 'stopped=130; exit' TERM

(umask 077 && python -c 'import secrets; print(secrets.token_hex(32), end="")' > "$token")
unset RAY_AUTH_TOKEN
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$token
export RAY_TMPDIR=/tmp/ray-$SLURM_JOB_ID RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300

# The batch script runs on the first node. Many sites give a node's own name a loopback address as well.
head=$(getent ahostsv4 "$(hostname)" | awk '!/^127[.]/ {print $1; exit}') || true
head=${head:-$(hostname --all-ip-addresses | awk '{print $1}')}
export RAY_ADDRESS=$head:$((20000 + SLURM_JOB_ID % 10000))

node='
    trap "rm -rf $RAY_TMPDIR" EXIT
    # The other nodes end this soon after the first.
    ((SLURM_NODEID)) && export RAY_gcs_rpc_server_reconnect_timeout_s=10
    ray symmetric-run --address "$RAY_ADDRESS" --min-nodes "$SLURM_JOB_NUM_NODES" \
        --num-cpus="${SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}" --num-gpus="${SLURM_GPUS_ON_NODE:-0}" -- "$@"
'
# Leaves its process id, then becomes the sweep, whose log is the job's; what Ray says about its nodes goes beside it.
entry='echo $$ > "$0" && log=$1 && shift && exec "$@" >> "$log" 2>&1'
log=$(readlink /proc/$$/fd/1)
srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" --cpu-bind=none --output="$log.ray" \
    bash -c "$node" node bash -c "$entry" "$pid" "$log" "${sweep[@]}" &
step=$!

# Slurm's warning before the time limit goes only to the sweep, which then ends cleanly while Ray still runs.
# A sweep that has ended before Ray needs no warning.
trap 'stopped=130; kill -TERM "$(cat "$pid" 2>/dev/null || echo "$step")" || true' TERM
while true; do
    code=0
    wait "$step" || code=$?
    # A signal ends the wait before the step.
    kill -0 "$step" 2>/dev/null || break
done
test -e "$pid" || echo "The sweep did not begin; $log.ray says why." >&2
exit "$code"
