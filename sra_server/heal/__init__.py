"""Repair, the server's side: what is offered, who approves, when it is handed over, whether it helped.

    catalog    the seven actions                    inventory  which host offers one
    approve    a person's word on an exact plan      lease      a host fetches its tasks, once
    answer     what the host says of them            judge      did it help? (pure)
    resolve    the verdict and what follows          expire     what nobody came for
"""
