"""What a release is made of beside wheels, images and chart."""
