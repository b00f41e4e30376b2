# The entry: FAN-S-Hybrid with the SegFormer head on Cityscapes, by a short name.
#
#   mmfan train fan_segformer_cityscapes                                                          # one GPU
#   torchrun --nproc_per_node 8 -m mmfan train fan_segformer_cityscapes --launcher pytorch        # as published
#
# With fewer GPUs add --auto-scale-lr, which scales the rate with the batch.
_base_ = "./fan_segformer/fan-s-hybrid_segformer_8xb1-160k_cityscapes-1024x1024.py"
