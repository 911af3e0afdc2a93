# An apply that fails in the middle: what does not depend on the broken step is made and kept, what does is skipped.

terraform {
  required_version = ">= 1.4"
}

variable "fail" {
  type        = bool
  default     = true
  description = "Set it to false to see the next apply finish the job."
}

resource "terraform_data" "foundation" {
  count = 3
  input = "pillar ${count.index}"
}

resource "terraform_data" "crane" {
  input      = "ready"
  depends_on = [terraform_data.foundation]

  provisioner "local-exec" {
    command     = "if [ \"$FAIL\" = true ]; then echo 'The crane broke down.' >&2; exit 1; else echo 'The crane works.'; fi"
    environment = { FAIL = var.fail }
  }
}

resource "terraform_data" "roof" {
  count      = 2
  input      = "roof ${count.index}"
  depends_on = [terraform_data.crane]
}

resource "terraform_data" "garden" {
  input      = "planted"
  depends_on = [terraform_data.foundation]
}
