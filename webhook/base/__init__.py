"""What oci, kube, tls and settings share, and what knows nothing of them."""
