# An apply that takes its time: four steps, one after the other, and a watchman beside them. To be watched, detached from,
# cancelled, and to have its agent restarted under it.

terraform {
  required_version = ">= 1.4"
}

variable "seconds" {
  type        = number
  default     = 20
  description = "How long the four steps take together."

  validation {
    condition     = var.seconds >= 4
    error_message = "seconds must be 4 or more: there are four steps of at least a second."
  }
}

locals {
  each_seconds = floor(var.seconds / 4)
  # What a step runs: a line a second, so that the log is always moving.
  tick = "i=1; while [ $i -le $SECONDS_EACH ]; do echo \"$STEP: second $i of $SECONDS_EACH\"; sleep 1; i=$((i + 1)); done"
}

resource "terraform_data" "survey" {
  triggers_replace = var.seconds

  provisioner "local-exec" {
    command     = local.tick
    environment = { STEP = "survey", SECONDS_EACH = local.each_seconds }
  }
}

resource "terraform_data" "foundation" {
  triggers_replace = terraform_data.survey.id

  provisioner "local-exec" {
    command     = local.tick
    environment = { STEP = "foundation", SECONDS_EACH = local.each_seconds }
  }
}

resource "terraform_data" "walls" {
  triggers_replace = terraform_data.foundation.id

  provisioner "local-exec" {
    command     = local.tick
    environment = { STEP = "walls", SECONDS_EACH = local.each_seconds }
  }
}

resource "terraform_data" "roof" {
  triggers_replace = terraform_data.walls.id

  provisioner "local-exec" {
    command     = local.tick
    environment = { STEP = "roof", SECONDS_EACH = local.each_seconds }
  }
}

resource "terraform_data" "watchman" {
  triggers_replace = var.seconds

  provisioner "local-exec" {
    command     = local.tick
    environment = { STEP = "watchman", SECONDS_EACH = local.each_seconds * 2 }
  }
}
