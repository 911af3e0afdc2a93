/**
 * Prints what it is given in every form in which secrets leak: as it is, JSON-escaped, URL-encoded, in base64 behind nought, one
 * and two bytes, before and after a pause in which a piece of the log is sent. The decoy is printed just so, and is no secret.
 */
export const LEAKY = `
variable "secret" {
  type      = string
  sensitive = true
}
variable "nested" {
  type      = any
  sensitive = true
}
variable "note" {
  type      = string
  sensitive = true
}
variable "decoy" {
  type = string
}
variable "gate" {
  type = string
}
variable "round" {
  type    = number
  default = 1
}
variable "fail" {
  type    = string
  default = "never"
}

locals {
  derived = sha256(nonsensitive(var.secret))
  shown = {
    decoy   = var.decoy
    secret  = nonsensitive(var.secret)
    nested  = nonsensitive(var.nested.inner[0])
    derived = local.derived
  }
}

resource "terraform_data" "kept" {
  input = sensitive(local.derived)
}

resource "terraform_data" "gate" {
  triggers_replace = var.round
  provisioner "local-exec" {
    command = "touch \\"$GATE.reached\\"; while [ ! -e \\"$GATE\\" ]; do sleep 0.1; done"
    environment = {
      GATE  = var.gate
      GIVEN = nonsensitive(var.secret)
    }
  }
}

resource "terraform_data" "leak" {
  for_each         = local.shown
  triggers_replace = [var.round, terraform_data.gate.id]

  provisioner "local-exec" {
    command = <<-EOT
      printf '%s\\n' "plain $AS_PLAIN" "json $AS_JSON" "url $AS_URL" "zero $SHIFT_0" "one $SHIFT_1" "two $SHIFT_2"
      printf 'note %s\\n' "$NOTE"
      printf 'env %s and %s\\n' "$HELPER_TOKEN" "$AWS_SECRET_ACCESS_KEY"
      printf '%s\\n' "$AS_JSON" >&2
      sleep 1; for i in 1 2 3 4 5 6 7 8; do printf "%$\${i}s%s\\n" '' "$AS_PLAIN"; done
    EOT
    environment = {
      AS_PLAIN = each.value
      AS_JSON  = jsonencode({ value = each.value })
      AS_URL   = urlencode(each.value)
      SHIFT_0  = base64encode(each.value)
      SHIFT_1  = base64encode("x\${each.value}")
      SHIFT_2  = base64encode("xy\${each.value}")
      NOTE     = nonsensitive(var.note)
    }
  }
}

resource "terraform_data" "fails" {
  triggers_replace = [var.round, var.fail]
  provisioner "local-exec" {
    command     = "printf 'going down with %s\\n' \\"$AS_PLAIN\\" >&2; test \\"$FAIL\\" != apply"
    environment = { AS_PLAIN = nonsensitive(var.secret), FAIL = var.fail }
  }
  lifecycle {
    precondition {
      condition     = var.fail != "plan"
      error_message = "It is \${nonsensitive(var.secret)} that is wrong, and \${jsonencode(nonsensitive(var.nested))}."
    }
  }
}

output "derived" {
  value     = local.derived
  sensitive = true
}
output "secret" {
  value     = var.secret
  sensitive = true
}
output "decoy" {
  value = var.decoy
}
`;
