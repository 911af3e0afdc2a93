# As many independent resources as you like, to see how progress, plan and state hold up.

terraform {
  required_version = ">= 1.4"
}

variable "resources" {
  type        = number
  default     = 100
  description = "How many resources there are."

  validation {
    condition     = var.resources >= 0 && floor(var.resources) == var.resources
    error_message = "resources must be a whole number, 0 or more."
  }
}

resource "terraform_data" "item" {
  count = var.resources
  input = "item ${count.index}"
}

output "resources" {
  value = length(terraform_data.item)
}
