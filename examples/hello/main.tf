# A first workspace. It needs no account and no download: terraform_data is built into Terraform and OpenTofu.

terraform {
  required_version = ">= 1.4"
}

variable "name" {
  type        = string
  default     = "world"
  description = "Who is greeted."
}

resource "terraform_data" "greeting" {
  input = "Hello, ${var.name}!"

  provisioner "local-exec" {
    command     = "echo \"$GREETING\""
    environment = { GREETING = self.input }
  }
}

resource "terraform_data" "house" {
  for_each   = toset(["floor", "walls", "roof"])
  input      = "${each.key}: done"
  depends_on = [terraform_data.greeting]

  provisioner "local-exec" {
    command     = "for step in 1 2 3; do echo \"$PART: step $step of 3\"; sleep 0.3; done"
    environment = { PART = each.key }
  }
}

output "greeting" {
  value = terraform_data.greeting.output
}
