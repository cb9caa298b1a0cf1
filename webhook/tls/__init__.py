"""The webhook's certificates: issue, agree between replicas, publish, renew, reload.

Works against two narrow protocols, SecretStore and BundlePublisher; knows no Kubernetes.
"""
