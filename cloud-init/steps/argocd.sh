#!/bin/bash
# Applies what the first server brings along: secrets, Argo CD, and at the end the Application it installs the rest by.
# shellcheck source=step.sh
. "$(dirname "$0")/step.sh"

# As the field manager that Argo CD itself uses, so that it takes itself over without a difference.
apply() { # file
  kubectl apply --server-side --force-conflicts --field-manager=argocd-controller -f "$1" ||
    again "Kubernetes refused ${1##*/} (the log has its words)."
}

await_definitions() { # an object of a new kind can only be made once the kind is established
  local name
  while read -r name; do
    kubectl wait --for=condition=Established --timeout=60s "$name" || again "$name is not established."
  done < <(kubectl get customresourcedefinitions -o name)
}

await_argocd() {
  local name
  while read -r name; do
    say "$name in namespace argocd does not run yet."
    kubectl -n argocd rollout status --timeout=480s "$name" || {
      kubectl -n argocd get pods -o wide
      exit 1
    }
  done < <(kubectl -n argocd get deployments,statefulsets -o name)
}

say 'The Kubernetes API does not answer yet.'
until kubectl get --raw=/readyz >/dev/null; do sleep 2; done
shopt -s nullglob
for file in "$bundle"/kubernetes/*.yaml; do
  say "${file##*/} is being applied."
  if grep -Eq '^kind: "?Application"?$' "$file"; then await_argocd; fi
  apply "$file"
  if grep -Eq '^kind: "?CustomResourceDefinition"?$' "$file"; then await_definitions; fi
done
say 'All that this server brought along is applied.'
