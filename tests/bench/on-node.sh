# By hand on the node, as root: bash -s PART.
export KUBECONFIG=/etc/kubernetes/admin.conf HOME=~root
cd /var/tmp/bench

runtime() {
  tar -C / -xf hand/etc.tar
  cat hand/hosts >> /etc/hosts
  sysctl -q --system
  install -m 755 files/kubeadm files/kubelet files/kubectl /usr/local/bin/
  install -m 755 files/runc /usr/local/sbin/
  tar -C /usr/local -xzf files/containerd
  mkdir -p /opt/cni/bin
  tar -C /opt/cni/bin -xzf files/cni-plugins
  tar -C /usr/local/bin --strip-components 1 -xzf files/helm linux-amd64/helm
  systemctl daemon-reload
  systemctl enable --now containerd kubelet
}

kubeadm() {
  ctr -n k8s.io images ls -q | while read -r image; do ctr -n k8s.io images label "$image" io.cri-containerd.pinned=pinned; done
  command kubeadm init --skip-token-print --config hand/kubeadm.yaml
}

cluster() {
  kubectl apply -f hand/cluster.json
  helm upgrade --install metallb files/metallb --namespace metallb-system --create-namespace --values hand/values.json
  kubectl wait --for=condition=Ready node/hand --timeout=10m
  kubectl -n kube-system rollout status daemonset/kube-proxy
  kubectl -n kube-flannel rollout status daemonset/flannel
  kubectl -n kube-system rollout status deployment/coredns
}

balancer() {
  kubectl -n metallb-system rollout status daemonset/metallb-speaker
  kubectl -n metallb-system rollout status deployment/metallb-controller
  kubectl apply -f hand/pools.json
}

"$1"
