# FAN-S-Hybrid with Cascade Mask R-CNN on COCO, by a short name.
#
#   mmfan train fan_cascade_mask_rcnn_coco                                                              # one GPU
#   torchrun --nproc_per_node 8 -m mmfan train fan_cascade_mask_rcnn_coco --launcher pytorch --amp
#
# With fewer GPUs add --auto-scale-lr, which scales the rate with the batch.
_base_ = "./fan-s-hybrid_cascade-mask-rcnn_fpn_8xb2-36e_coco.py"
