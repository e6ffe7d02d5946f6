"""What does training with dropped blocks gain? Droppath, its retraining (P5), and effective paths alone (P2)."""
