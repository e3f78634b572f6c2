#!/bin/bash
# A folder of pictures on a Slurm cluster: sbatch slurm.sh PHOTOS WEB
# Every task of the array takes its part by itself. Submitted again, it goes on where it stopped.
#SBATCH --job-name=gamut
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --output=gamut-%A-%a.log

[ $# -eq 2 ] || { echo "usage: sbatch slurm.sh PHOTOS WEB" >&2; exit 2; }
exec gamut batch reduce "$1" -o "$2" --jobs "${SLURM_CPUS_PER_TASK:-1}" --max-failures 100
