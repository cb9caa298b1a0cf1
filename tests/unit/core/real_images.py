"""What real images run, each as its own Dockerfile says: the table that decides about inits.

A row's source is `repository@commit path`: https://github.com/REPOSITORY/blob/COMMIT/PATH.
"""

from dataclasses import dataclass

from webhook.core.argv import ImageConfig
from webhook.core.inits import init_system_of


@dataclass(frozen=True, slots=True)
class RealImage:
    """`expected` is what becomes of a container that gives neither command nor args."""

    source: str
    expected: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    stop_signal: str = ""
    variables: tuple[str, ...] = ()

    @property
    def config(self) -> ImageConfig:
        init_system = init_system_of(self.stop_signal, self.variables, {})
        return ImageConfig(self.entrypoint, self.cmd, self.stop_signal, init_system)


NEEDS, HAS, WRAPPED = "needs-pid-1", "has-init", "wrapped"

REAL_IMAGES: tuple[RealImage, ...] = (
    # systemd
    RealImage(
        "kubernetes-sigs/kind@00dfd7248817b0b0ca229ba6d6ca4542dd8f2a3b images/base/Dockerfile",
        NEEDS,
        ("/usr/local/bin/entrypoint", "/sbin/init"),
        stop_signal="SIGRTMIN+3",
    ),
    RealImage(
        "freeipa/freeipa-container@519d08ca7f3cf5f455799e86298bd319bf5c4aa9 Dockerfile.fedora-40",
        NEEDS,
        ("/usr/local/sbin/init",),
        stop_signal="RTMIN+3",
    ),
    RealImage(
        "geerlingguy/docker-ubuntu2204-ansible@dd3a0153c69d950fbe95fc3105f511e5fce348e8 Dockerfile",
        NEEDS,
        cmd=("/lib/systemd/systemd",),
    ),
    RealImage(
        "tamutamu-archive/openldap-docker@ba99d09d1bd100a06f8665a2d4b32f023d3d63c1 Dockerfile",
        NEEDS,
        cmd=("/bin/bash", "-c", "exec /sbin/init --log-target=journal 3>&1"),
        stop_signal="SIGRTMIN+3",
    ),
    # s6
    RealImage(
        "linuxserver/docker-baseimage-alpine@00d175e3eecf7fb127f071fa04e795520ad169bb Dockerfile",
        NEEDS,
        ("/init",),
        variables=("S6_CMD_WAIT_FOR_SERVICES_MAXTIME=0", "S6_VERBOSITY=1"),
    ),
    RealImage(
        "home-assistant/docker-base@0e5d2a9a088889b85aa5529c15615d26059f7895 alpine/Dockerfile",
        NEEDS,
        ("/init",),
        variables=("LANG=C.UTF-8", "S6_BEHAVIOUR_IF_STAGE2_FAILS=2"),
    ),
    RealImage(
        "NginxProxyManager/nginx-proxy-manager@00a3a7d3b05c2db405e502784d9de6b03aa1c7d4 "
        "docker/Dockerfile",
        NEEDS,
        ("/init",),
        variables=("SUPPRESS_NO_CONFIG_WARNING=1", "S6_FIX_ATTRS_HIDDEN=1"),
    ),
    RealImage(
        "plexinc/pms-docker@00698217dcdac173a8ff3d32cba64a6335bcba6f Dockerfile",
        NEEDS,
        ("/init",),
    ),
    RealImage(
        "moeshin/s6-overlay-stop-test@90083c5ad04978706fa0b7c8853e725ce353745a Dockerfile",
        NEEDS,
        ("/init",),
        variables=("S6_VERBOSITY=5", "S6_KILL_GRACETIME=60000"),
    ),
    RealImage(
        "rjlasko/alpine-s6@096404025188c726a8e214ee85997bfb01f15ddf Dockerfile", NEEDS, ("/init",)
    ),
    RealImage(
        "luzifer-docker/base-alpine@936e701541d429118c21560a2f6d2d76d4912622 Dockerfile",
        NEEDS,
        ("/init",),
    ),
    RealImage(
        "BlakeRandall/cloudflared@a73d4d7f4a380e93c2513000444c3ac0d6a9da07 Dockerfile",
        NEEDS,
        ("/init",),
    ),
    RealImage(
        "agorgl/githost@60d369ac0bcefbbb225bff7f3850c57b6785d01e Containerfile", NEEDS, ("/init",)
    ),
    RealImage(
        "go-gitea/gitea@03173b39ec924c76181370dd3c0dee3e75f6333a Dockerfile",
        NEEDS,
        ("/usr/bin/entrypoint",),
        ("/bin/s6-svscan", "/etc/s6"),
    ),
    RealImage(
        "JermineHu/alpine-gitea@29763dffac42001e8240e8c7fc21d2e52d84d2db Dockerfile",
        WRAPPED,
        ("gitea", "web"),
    ),
    RealImage(
        "gogs/gogs@02c45093ecf2f1a16bbc8b427400b050179cd637 Dockerfile",
        NEEDS,
        ("docker/start.sh",),
        ("/bin/s6-svscan", "/app/gogs/docker/s6/"),
    ),
    # k3s
    RealImage(
        "k3s-io/k3s@09ffe1ba47f6e751a94734a103ccaf11be753119 package/Dockerfile",
        NEEDS,
        ("/bin/k3s",),
        ("agent",),
    ),
    # an init of their own
    RealImage(
        "jenkinsci/docker@28f65a44dc142bee7654c7e8dbafba525d3e97cf "
        "debian/trixie/hotspot/Dockerfile",
        HAS,
        ("/usr/bin/tini", "--", "/usr/local/bin/jenkins.sh"),
    ),
    RealImage(
        "argoproj/argo-cd@001b95b1f61da94e81dddb28072b8fd09f442b78 Dockerfile",
        HAS,
        ("/usr/bin/tini", "--"),
    ),
    RealImage(
        "fluent/fluentd-docker-image@0951f049239a1e3f9dc0657633b45a1defacbd0e "
        "v1.16/debian/Dockerfile",
        HAS,
        ("tini", "--", "/bin/entrypoint.sh"),
        ("fluentd",),
    ),
    RealImage(
        "k0sproject/k0s@03d11add7f3c0ea79f387af27f054565ffc374cd Dockerfile",
        HAS,
        ("/sbin/tini", "--", "/entrypoint.sh"),
        ("k0s", "controller", "--enable-worker"),
    ),
    RealImage(
        "rook/rook@01e4425c23b5c7a831cf35e78ebda8d5b0feb463 images/ceph/Dockerfile",
        HAS,
        ("/tini", "--", "/usr/local/bin/rook"),
        ("",),
    ),
    RealImage(
        "jupyter/docker-stacks@00987883e58d139b5ed01f803f95e639c59bf340 "
        "images/docker-stacks-foundation/Dockerfile",
        HAS,
        ("tini", "-g", "--", "start.sh"),
    ),
    RealImage(
        "elastic/elasticsearch@505eee8e72efcc0cc093641d1c03e2612aa12c9f "
        "distribution/docker/src/docker/Dockerfile.default",
        HAS,
        ("/bin/tini", "--", "/usr/local/bin/docker-entrypoint.sh"),
        ("eswrapper",),
    ),
    RealImage(
        "n8n-io/n8n@003abfdc4f53791ebe60fd579af8de28a2a782a6 docker/images/n8n/Dockerfile",
        HAS,
        ("tini", "--", "/docker-entrypoint.sh"),
    ),
    RealImage(
        "mastodon/mastodon@00297341af4ac8226753b1b82efff5df8f3c4d1b Dockerfile",
        HAS,
        ("/usr/bin/tini", "--"),
    ),
    RealImage(
        "rosenbjerg/build-secrets-server@56de57e62e88feafe760c9636a5f6c769321ce68 Dockerfile",
        HAS,
        ("/tini", "-g", "--"),
        ("ash", "./init.sh"),
    ),
    RealImage(
        "padhi-homelab/docker_alpine-base@013ce0c9b403fef8916c82fca3685baa17f58b1e Dockerfile",
        HAS,
        ("tini", "/usr/local/bin/docker-entrypoint"),
        ("sh",),
    ),
    RealImage(
        "apache/airflow@0060b1a446d07a86af2b4f847b2242195e9423ac Dockerfile",
        HAS,
        ("/usr/bin/dumb-init", "--", "/entrypoint"),
        variables=("DUMB_INIT_SETSID=1",),
    ),
    RealImage(
        "go-gitea/gitea@023ef493211f44ec0d93485e677a7ca5330f2e0c Dockerfile.rootless",
        HAS,
        ("/usr/bin/dumb-init", "--", "/usr/local/bin/docker-entrypoint.sh"),
    ),
    RealImage(
        "goauthentik/authentik@0027813e4b425c638b07946f741345ae170c033d Dockerfile",
        HAS,
        ("dumb-init", "--", "ak"),
    ),
    RealImage(
        "kubernetes/ingress-nginx@0315b01f775f11566e4cd9699e78f4c57da7ca08 rootfs/Dockerfile",
        HAS,
        ("/usr/bin/dumb-init", "--"),
        ("/nginx-ingress-controller",),
    ),
    RealImage(
        "cristobal/renovate-test@2c2c8dff45fc45cf2ad28e917abed9e05df97f91 Dockerfile",
        HAS,
        ("/usr/bin/dumb-init", "--"),
        ("echo", "hello world"),
    ),
    RealImage(
        "AustinMaddox/docker-node@323edd57b71779a94410671367836d9fbc0c7c4f Dockerfile",
        HAS,
        ("/usr/bin/dumb-init", "--"),
        ("bash",),
    ),
    RealImage(
        "phusion/baseimage-docker@0df79a7def8db58616a4ed8998b4303658ddd98c image/Dockerfile",
        HAS,
        cmd=("/sbin/my_init",),
    ),
    # neither, though some are named so, or run an init behind a script of their own
    RealImage(
        "aws/amazon-vpc-cni-k8s@19d90f28e27dd384117363953303c5a4bcc0c080 "
        "scripts/dockerfiles/Dockerfile.init",
        WRAPPED,
        cmd=("/init/aws-vpc-cni-init",),
    ),
    RealImage(
        "cilium/cilium@00014a9966d7f6021812c4b6233c1085f81706d9 images/cilium/Dockerfile",
        WRAPPED,
        cmd=("/usr/bin/cilium",),
        variables=("INITSYSTEM=SYSTEMD", "HUBBLE_SERVER=unix:///var/run/cilium/hubble.sock"),
    ),
    RealImage(
        "projectcalico/calico@020182d0dfc4eff785e041dddfa43c9d77c827d0 node/Dockerfile.amd64",
        WRAPPED,
        cmd=("start_runit",),
        variables=("SVDIR=/etc/service/enabled",),
    ),
    RealImage(
        "getsentry/sentry@009c94a9b4f02e86a56fc8329460a62d18f908f3 self-hosted/Dockerfile",
        WRAPPED,
        ("/bin/sh", "-c", 'exec /docker-entrypoint.sh "$0" "$@"'),
        ("run", "web"),
    ),
    RealImage(
        "hashicorp/vault@024c09b6651c8f1f568915ad01411862af89aaca Dockerfile",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("server", "-dev"),
    ),
    RealImage(
        "hashicorp/consul@03658a093a6e785221f04380a4d86f87e9c0792a Dockerfile",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("agent", "-dev", "-client", "0.0.0.0"),
    ),
    RealImage(
        "docker-library/postgres@018d576bc87ccac7db24ac11ad2c8779519cb55f "
        "Dockerfile-debian.template",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("postgres",),
        stop_signal="SIGINT",
    ),
    RealImage(
        "nginxinc/docker-nginx@08d37de30259d48b54c06172ae09736b70734ac9 stable/debian/Dockerfile",
        WRAPPED,
        ("/docker-entrypoint.sh",),
        ("nginx", "-g", "daemon off;"),
        stop_signal="SIGTERM",
    ),
    RealImage(
        "docker-library/mongo@03b049460f0228783e8cfe7af4a386965dcedb80 Dockerfile-linux.template",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("mongod",),
    ),
    RealImage(
        "docker-library/mysql@0c0f7399dcc4a8e97f41f4bf558359d5bed541d5 template/Dockerfile.oracle",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("mysqld",),
    ),
    RealImage(
        "docker-library/rabbitmq@00309be9729cd54aa525c35ac924fa026ee5e8a2 "
        "Dockerfile-alpine.template",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("rabbitmq-server",),
    ),
    RealImage(
        "docker-library/memcached@0fd41cdffb693f1d3dfd7da46fa37b675ea8bf0f Dockerfile.template",
        WRAPPED,
        ("docker-entrypoint.sh",),
        ("memcached",),
    ),
    RealImage(
        "docker-library/docker@10d127f67b5e01cc975949fecf8fb76276225e11 Dockerfile-dind.template",
        WRAPPED,
        ("dockerd-entrypoint.sh",),
    ),
    RealImage(
        "docker-library/tomcat@06a7e79e30595058df3c2fec9c769e47e2bca56d Dockerfile.template",
        WRAPPED,
        cmd=("catalina.sh", "run"),
    ),
    RealImage(
        "docker-library/httpd@01bbb88480d4218060aeaa54523b77819a96243a 2.4/Dockerfile",
        WRAPPED,
        cmd=("httpd-foreground",),
    ),
    RealImage(
        "nodejs/docker-node@001cfa3930ef8fb02865daaecbe35a3822bec15c Dockerfile-slim.template",
        WRAPPED,
        cmd=("node",),
    ),
    RealImage(
        "prometheus/prometheus@0180c950db494b081f90d79b68883308da6e7029 Dockerfile",
        WRAPPED,
        ("/bin/prometheus",),
        ("-config.file=/etc/prometheus/prometheus.yml", "-storage.local.path=/prometheus"),
    ),
    RealImage(
        "prometheus/node_exporter@0c561fa1c9f10840f093cb193d04b6f988bc66fe Dockerfile",
        WRAPPED,
        ("/bin/node_exporter",),
    ),
    RealImage(
        "fluent/fluent-bit@015e1bc1b35473c7fa13333457f4090aedb654f2 dockerfiles/Dockerfile",
        WRAPPED,
        ("/fluent-bit/bin/fluent-bit",),
        ("/fluent-bit/bin/fluent-bit", "-c", "/fluent-bit/etc/fluent-bit.conf"),
    ),
    RealImage(
        "grafana/loki@072f705786cc97574f5d45887d72f9a4bb870eb8 clients/cmd/promtail/Dockerfile",
        WRAPPED,
        ("/usr/bin/promtail",),
        ("-config.file=/etc/promtail/config.yml",),
    ),
    RealImage(
        "grafana/grafana@0014fb6402029aa07f258cb103e8f52c705ad4e8 Dockerfile",
        WRAPPED,
        ("/run.sh",),
    ),
    RealImage(
        "minio/minio@0128481f45ff682e4392bb7b9168037dd7417b27 Dockerfile",
        WRAPPED,
        cmd=("sh", "-c", "${GOPATH}/bin/minio"),
    ),
    RealImage(
        "keycloak/keycloak@0463815bc93acbe22cf0b347af7cbd11e5a56d65 quarkus/container/Dockerfile",
        WRAPPED,
        ("/opt/keycloak/bin/kc.sh",),
    ),
    RealImage(
        "crazy-max/docker-rtorrent-rutorrent@013da52a4ae6c795445dc4154ffddcdbbeaa1087 Dockerfile",
        WRAPPED,
        ("/entrypoint.sh",),
        ("/usr/bin/supervisord", "-c", "/etc/supervisord.conf"),
    ),
    RealImage(
        "distribution/distribution@016f8215e33ccca93516476757f4c82b35db5142 Dockerfile",
        WRAPPED,
        ("registry",),
        ("serve", "/etc/docker/registry/config.yml"),
    ),
    RealImage(
        "cloudnativelabs/kube-router@03d5b6ee832da0c038c59ea48850f5be43cb9f50 Dockerfile",
        WRAPPED,
        ("/usr/local/bin/kube-router",),
    ),
    RealImage(
        "coredns/coredns@0ee1feea407767c7f5dea47437f5426f70f90f1f Dockerfile",
        WRAPPED,
        ("/coredns",),
    ),
    RealImage(
        "traefik/traefik@03490d64525c56f0ba0b8ca5fc5d36eeba917356 Dockerfile",
        WRAPPED,
        ("/traefik",),
    ),
    RealImage(
        "pi-hole/docker-pi-hole@019e37c76231cef7dee7f1d18b6c3562c356a79c src/Dockerfile",
        WRAPPED,
        ("start.sh",),
    ),
    RealImage(
        "influxdata/influxdata-docker@0f0bdbbb22b44e9a5953b0f733d6992ade4d7c55 "
        "telegraf/1.30/Dockerfile",
        WRAPPED,
        ("/entrypoint.sh",),
        ("telegraf",),
    ),
    RealImage(
        "jwilder/dockerize@064a9c527cfcf742e3d6147aba82d19b880d9321 Dockerfile",
        WRAPPED,
        ("/bin/dockerize",),
        ("--help",),
    ),
    RealImage(
        "ykawa/entrypoint@c5c50d317afffd4224c8eaac4551e2eba2b5977b Dockerfile",
        WRAPPED,
        ("/entrypoint.sh",),
        ("bash",),
    ),
    RealImage(
        "restic/restic@02381b8eeb940809de7422888eb356c3d2daf017 docker/Dockerfile",
        WRAPPED,
        ("/usr/bin/restic",),
    ),
)
